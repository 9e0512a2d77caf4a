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

/** Counts what is under way: so much of a key, so much in all. */
export interface Shares {
  /** One more of the key; what it gives is to be called once it is over. Throws as `Places.take`. */
  enter(keyId: string): () => void;
}

/** Nothing is under way. */
export function createShares({ perKeyMax, max, of, code, retryAfterMs }: PlacesOptions): Shares {
  const counts = new Map<string, number>();
  let total = 0;
  return {
    enter(keyId) {
      const own = counts.get(keyId) ?? 0;
      if (own >= perKeyMax) throw new SwitchboardError(code, `The key has ${own} ${of}, the most`, { retryAfterMs });
      if (total >= max)
        throw new SwitchboardError('overloaded', `There are ${total} ${of}, the most`, { retryAfterMs });
      counts.set(keyId, own + 1);
      total += 1;
      return () => {
        total -= 1;
        const left = (counts.get(keyId) ?? 1) - 1;
        if (left === 0) counts.delete(keyId);
        else counts.set(keyId, left);
      };
    },
  };
}

/** All places are free. */
export function createPlaces(options: PlacesOptions): Places {
  const shares = createShares(options);
  const taken = new Map<string, Set<Response>>();
  return {
    take({ id }, response) {
      if (response.destroyed) return;
      const leave = shares.enter(id);
      const own = taken.get(id) ?? new Set();
      taken.set(id, own.add(response));
      response.once('close', () => {
        leave();
        own.delete(response);
        if (own.size === 0) taken.delete(id);
      });
    },
    cut(keyId) {
      for (const response of taken.get(keyId) ?? []) response.destroy();
    },
  };
}
