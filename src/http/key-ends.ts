import type { FastifyReply } from 'fastify';

/** Tells whoever waits that their key has ended. */
export interface KeyEnds {
  /** Aborted once the key has ended, as long as the answer has not gone out. */
  signalOf(keyId: string, reply: FastifyReply): AbortSignal;
  /** The key has ended. */
  end(keyId: string): void;
}

/** Nobody waits yet. */
export function createKeyEnds(): KeyEnds {
  const waiting = new Map<string, Set<AbortController>>();
  return {
    signalOf(keyId, { raw }) {
      const ended = new AbortController();
      if (raw.destroyed) return ended.signal;
      const own = waiting.get(keyId) ?? new Set();
      waiting.set(keyId, own.add(ended));
      raw.once('close', () => {
        own.delete(ended);
        if (own.size === 0 && waiting.get(keyId) === own) waiting.delete(keyId);
      });
      return ended.signal;
    },
    end(keyId) {
      for (const ended of waiting.get(keyId) ?? []) ended.abort();
    },
  };
}
