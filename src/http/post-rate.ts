import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';
import { limits } from '../limits.ts';

/** How fast each key may post. */
export interface PostRate {
  /** Takes so many posts from the key's bucket. Throws quota_exceeded if it has fewer. */
  take(key: Pick<Key, 'id'>, posts: number): void;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/**
 * A token bucket a key, by the steady clock. In memory: after a restart all are full. A key whose bucket is forgotten has a full
 * one; the key that posted longest ago is forgotten first.
 */
export function createPostRate(clock: Pick<Clock, 'steadyNow'>): PostRate {
  const buckets = new Map<string, Bucket>();

  return {
    take({ id }, posts) {
      const { keyPostsPerS: perS, keyPostsBurst: burst } = limits;
      const now = clock.steadyNow();
      const { tokens: left, at } = buckets.get(id) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, left + ((now - at) / 1000) * perS);
      if (tokens < posts) {
        const retryAfterMs = Math.ceil(((posts - tokens) / perS) * 1000);
        const message = `The key may post ${perS} messages and events a second, and ${burst} at once: wait`;
        throw new SwitchboardError('quota_exceeded', message, { retryAfterMs });
      }
      buckets.delete(id);
      buckets.set(id, { tokens: tokens - posts, at: now });
      const [oldest] = buckets.keys();
      if (buckets.size > limits.keysMax && oldest !== undefined) buckets.delete(oldest);
    },
  };
}
