import type { FastifyReply } from 'fastify';

/** Aborted once the caller has gone, or has been answered: at once where that is so already. */
export function goneOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  else raw.once('close', () => gone.abort());
  return gone.signal;
}
