import type { Clock, TimerHandle } from './clock.ts';
import { limits } from './limits.ts';

/** Keeps one time for the next process. */
export interface ProvenMark {
  /** Null: none was kept yet. */
  read(): number | null;
  write(at: number): void;
}

export interface ProvenTime {
  /**
   * ms since 1970, as far as it is proven. What is deleted or given up for its age goes by it: a wall clock that jumps
   * ahead must make nothing old. Such rows that nobody is shown are stamped with it as well.
   */
  now(): number;
  /** Telegram's own time, of an answer that has just come. */
  heard(telegramNow: number): void;
  /** How far the wall clock is ahead of what is proven, and whether Telegram has said so; null: it is believed. */
  doubt(): Doubt | null;
  stop(): void;
}

export interface Doubt {
  readonly aheadMs: number;
  /** How long it has been doubted, by the steady clock. */
  readonly forMs: number;
  readonly telegramDisagrees: boolean;
}

/**
 * Follows the wall clock as long as that runs evenly, across restarts too. A jump ahead of more than
 * limits.clockBelievedMs is believed once Telegram's own clock agrees, or after limits.clockDoubtMs of running if Telegram
 * says nothing. Meanwhile time goes on evenly from what was proven, or from what Telegram says if that is earlier than the
 * wall clock.
 */
export function createProvenTime(clock: Clock, mark: ProvenMark): ProvenTime {
  /** This time was proven at that time of the steady clock. */
  let proven = { at: mark.read() ?? clock.now(), steady: clock.steadyNow() };
  let doubtedSince: number | null = null;
  let telegramDisagrees = false;
  let timer: TimerHandle | undefined;

  function prove(at: number): number {
    proven = { at, steady: clock.steadyNow() };
    return at;
  }

  function believe(wall: number): number {
    doubtedSince = null;
    telegramDisagrees = false;
    return prove(wall);
  }

  const evenly = (steady: number): number => proven.at + (steady - proven.steady);

  function now(): number {
    const [wall, steady] = [clock.now(), clock.steadyNow()];
    const expected = evenly(steady);
    const aheadMs = wall - expected;
    // Behind, it makes nothing old: the proven time goes on.
    if (aheadMs < 0) [doubtedSince, telegramDisagrees] = [null, false];
    if (Math.abs(aheadMs) <= limits.clockBelievedMs) return believe(wall);
    if (aheadMs < 0) return Math.round(expected);
    doubtedSince ??= steady;
    return steady - doubtedSince >= limits.clockDoubtMs ? believe(wall) : Math.round(expected);
  }

  let kept = Number.NEGATIVE_INFINITY;
  function look(): void {
    const at = now();
    timer = clock.setTimeout(look, limits.provenLookMs);
    if (Math.abs(at - kept) < limits.provenKeepMs) return;
    try {
      mark.write(at);
      kept = at;
    } catch {
      // The disk takes nothing: whoever writes more says so. The next process begins with the mark before.
    }
  }
  look();

  return {
    now,
    heard(telegramNow) {
      const wall = clock.now();
      if (Math.abs(wall - telegramNow) <= limits.clockBelievedMs) {
        believe(wall);
        return;
      }
      // A gateway answers by its own clock, which may be wrong: nothing becomes old by what it says alone.
      prove(Math.min(telegramNow, Math.max(wall, Math.round(evenly(clock.steadyNow())))));
      // It speaks: silence begins anew.
      if (wall > telegramNow) [doubtedSince, telegramDisagrees] = [clock.steadyNow(), true];
    },
    doubt() {
      const at = now();
      if (doubtedSince === null) return null;
      return { aheadMs: clock.now() - at, forMs: clock.steadyNow() - doubtedSince, telegramDisagrees };
    },
    stop: () => clock.clearTimeout(timer),
  };
}
