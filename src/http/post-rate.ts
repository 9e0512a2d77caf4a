import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';
import { limits } from '../limits.ts';

/** How fast each key may do something. */
export interface PostRate {
  /** Takes so many acts from the key's bucket. Throws quota_exceeded if it has fewer. */
  take(key: Pick<Key, 'id'>, acts: number): void;
}

interface Pace {
  readonly perS: number;
  readonly burst: number;
  /** What a key may do, in a message: `log in 60 times a minute`. */
  readonly may: string;
}

/** How fast each key may post. */
export const createPostRate = (clock: Pick<Clock, 'steadyNow'>): PostRate =>
  createRate(clock, () => {
    const { keyPostsPerS: perS, keyPostsBurst: burst } = limits;
    return { perS, burst, may: `post ${perS} messages and events a second` };
  });

/** How often each key may log in. */
export const createLogInRate = (clock: Pick<Clock, 'steadyNow'>): PostRate =>
  createRate(clock, () => {
    const { keyLogInsPerS: perS, keyLogInsBurst: burst } = limits;
    return { perS, burst, may: `log in ${perS * 60} times a minute` };
  });

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/**
 * A token bucket a key, by the steady clock. In memory: after a restart all are full. A key whose bucket is forgotten has a full
 * one; the key that acted longest ago is forgotten first.
 */
function createRate(clock: Pick<Clock, 'steadyNow'>, pace: () => Pace): PostRate {
  const buckets = new Map<string, Bucket>();

  return {
    take({ id }, acts) {
      const { perS, burst, may } = pace();
      const now = clock.steadyNow();
      const { tokens: left, at } = buckets.get(id) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, left + ((now - at) / 1000) * perS);
      if (tokens < acts) {
        const retryAfterMs = Math.ceil(((acts - tokens) / perS) * 1000);
        const message = `The key may ${may}, and ${burst} at once: wait`;
        throw new SwitchboardError('quota_exceeded', message, { retryAfterMs });
      }
      buckets.delete(id);
      buckets.set(id, { tokens: tokens - acts, at: now });
      const [oldest] = buckets.keys();
      if (buckets.size > limits.keysMax && oldest !== undefined) buckets.delete(oldest);
    },
  };
}
