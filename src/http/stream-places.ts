import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';
import { limits } from '../limits.ts';

/** Places for open streams: so many a key, so many in all. */
export interface StreamPlaces {
  /** Takes a place. Throws too_many_streams where the key has all of its own, overloaded where nobody has one left. */
  take(key: Key): void;
  /** Gives it back. */
  leave(key: Key): void;
}

/** All places are free. */
export function createStreamPlaces({ perKeyMax, max }: { perKeyMax: number; max: number }): StreamPlaces {
  const taken = new Map<string, number>();
  let total = 0;
  const retryAfterMs = limits.reconnectMs;
  return {
    take({ id }) {
      const open = taken.get(id) ?? 0;
      if (open >= perKeyMax) {
        throw new SwitchboardError('too_many_streams', `The key has ${open} open streams, the most`, { retryAfterMs });
      }
      if (total >= max) {
        throw new SwitchboardError('overloaded', `There are ${total} open streams, the most`, { retryAfterMs });
      }
      taken.set(id, open + 1);
      total += 1;
    },
    leave({ id }) {
      const left = (taken.get(id) ?? 1) - 1;
      total -= 1;
      if (left > 0) taken.set(id, left);
      else taken.delete(id);
    },
  };
}
