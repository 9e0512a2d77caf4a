import type { FeedEvent } from '../../sandbox/sandbox.ts';

const RETRY_MS = 2000;

/** A stream of server-sent events that comes back by itself. */
export interface Stream {
  close(): void;
}

/**
 * Listens to events of these names. `opened` comes each time that the stream is there: what was told while it was
 * not has to be asked for. `lost` comes when it breaks.
 */
export function listen(
  address: () => string,
  types: readonly string[],
  {
    event,
    opened,
    lost,
  }: {
    readonly event: (data: string) => void;
    readonly opened: () => void;
    readonly lost: (isRefused: boolean) => void;
  },
): Stream {
  let closed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let source = open();
  function open(): EventSource {
    const made = new EventSource(address());
    for (const type of types) made.addEventListener(type, ({ data }: MessageEvent) => event(String(data)));
    made.addEventListener('open', opened);
    made.addEventListener('error', () => {
      // It comes back by itself, unless it was refused: a server that starts again refuses for a while.
      const isRefused = made.readyState === EventSource.CLOSED;
      lost(isRefused);
      if (!isRefused || closed) return;
      timer = setTimeout(() => {
        source = open();
      }, RETRY_MS);
    });
    return made;
  }
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      source.close();
    },
  };
}

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
