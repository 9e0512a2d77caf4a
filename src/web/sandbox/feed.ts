import type { FeedEvent } from '../../sandbox/sandbox.ts';

/** What the sandbox tells (src/sandbox/feed.ts). */
export const FEED_TYPES: readonly FeedEvent['type'][] = [
  ...(['message', 'edited', 'deleted', 'callback', 'callback_answer', 'chat_action', 'update', 'trouble'] as const),
];

/**
 * Gathers what comes and hands it on once a frame, so that a chat with thousands of messages a second is drawn as often
 * as the screen is. A page that is not seen gets it a little later.
 */
export function gather<T>(take: (gathered: readonly T[]) => void): (one: T) => void {
  let gathered: T[] = [];
  let wanted = false;
  const flush = (): void => {
    wanted = false;
    const taken = gathered;
    gathered = [];
    take(taken);
  };
  return (one) => {
    gathered.push(one);
    if (wanted) return;
    wanted = true;
    if (document.hidden) setTimeout(flush, 100);
    else requestAnimationFrame(flush);
  };
}
