import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';

/** What is needed of a response. */
interface Response {
  /** Its connection is no more: `close` has been. */
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  destroy(): unknown;
}

/** Places for answers under way, of one kind: so many a key, so many in all. */
export interface Places {
  /**
   * Takes a place, until the answer has gone out or its connection is no more; none where that is so already. Throws
   * `code` where the key has all of its own, overloaded where nobody has one left.
   */
  take(key: Pick<Key, 'id'>, response: Response): void;
  /** Closes the connections of a key's answers. */
  cut(keyId: string): void;
}

export interface PlacesOptions {
  readonly perKeyMax: number;
  readonly max: number;
  /** What there are places for, in a message: `open streams`. */
  readonly of: string;
  /** Why a key that has all of its own is refused. */
  readonly code: 'too_many_streams' | 'too_many_answers';
  /** What who was refused is told to wait. */
  readonly retryAfterMs: number;
}

/** All places are free. */
export function createPlaces({ perKeyMax, max, of, code, retryAfterMs }: PlacesOptions): Places {
  const taken = new Map<string, Set<Response>>();
  let total = 0;
  return {
    take({ id }, response) {
      if (response.destroyed) return;
      const own = taken.get(id) ?? new Set();
      if (own.size >= perKeyMax) {
        throw new SwitchboardError(code, `The key has ${own.size} ${of}, the most`, { retryAfterMs });
      }
      if (total >= max)
        throw new SwitchboardError('overloaded', `There are ${total} ${of}, the most`, { retryAfterMs });
      taken.set(id, own.add(response));
      total += 1;
      response.once('close', () => {
        total -= 1;
        own.delete(response);
        if (own.size === 0) taken.delete(id);
      });
    },
    cut(keyId) {
      for (const response of taken.get(keyId) ?? []) response.destroy();
    },
  };
}
