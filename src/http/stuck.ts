import type { FastifyReply } from 'fastify';

/** Looks at a socket before it counts as stuck: it is closed a quarter of its time late at most. */
const LOOKS = 4;

/**
 * Closes a response's connection once the socket has taken nothing for `stuckMs` while something waits for it. The
 * socket's own timeout alone knows of a part of a write that was taken: it passes in silence over a time in which one was.
 */
export function closeWhenStuck(response: FastifyReply['raw'], stuckMs: number): void {
  const lookMs = stuckMs / LOOKS;
  let still = 0;
  let lookedAt = 0;
  response.setTimeout(lookMs, () => {
    const now = performance.now();
    still = now - lookedAt < lookMs * 1.5 ? still + 1 : 1;
    lookedAt = now;
    // It is looked at again once something is written.
    if ((response.socket ?? response).writableLength === 0) still = 0;
    else if (still < LOOKS) response.setTimeout(lookMs);
    else response.destroy();
  });
}
