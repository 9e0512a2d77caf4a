import type { Clock, TimerHandle } from '../clock.ts';
import { limits } from '../limits.ts';
import type { OperatorFigures } from '../status.ts';
import { heartbeat } from './frames.ts';
import type { Reader } from './reader.ts';

/** Rounds of heartbeats in limits.heartbeatMs; each beats for its share of the readers. */
export const BEATS = 15;

export interface WatchOptions {
  readonly clock: Clock;
  readonly readers: ReadonlySet<Reader>;
  /** The journal's name. */
  readonly stream: string;
  /** The seq of the newest entry. */
  readonly head: () => number;
  /** What was seen; `bytes` of the readers that are there. */
  readonly onSeen: (figures: Omit<OperatorFigures, 'connected' | 'polling'>) => void;
}

/**
 * Looks at all readers once a second while there are any: beats for a share of them, and sums up how they do.
 * One timer serves all.
 */
export function createWatch({ clock, readers, stream, head, onSeen }: WatchOptions) {
  let timer: TimerHandle | undefined;
  let beat = 0;

  function look(): void {
    timer = undefined;
    // Nobody to look at: the next reader wakes it again.
    if (readers.size === 0) return;
    const last = head();
    let [behind, lag, bytes] = [0, 0, 0];
    beat = (beat + 1) % BEATS;
    for (const reader of readers) {
      // Others need no beat: a blocked one has bytes to take, and one that is replaying gets its page.
      if (reader.beat === beat && reader.state === 'ready') {
        const at = reader.filter === null ? null : { stream, seq: reader.shown };
        reader.write(heartbeat(reader.format, at));
      }
      if (reader.after < last) behind += 1;
      lag = Math.max(lag, last - reader.after);
      bytes += reader.bytes;
    }
    onSeen({ behind, lag, bytes });
    wake();
  }

  function wake(): void {
    timer ??= clock.setTimeout(look, limits.heartbeatMs / BEATS);
  }
  return { wake, stop: (): void => clock.clearTimeout(timer) };
}
