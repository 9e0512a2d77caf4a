import type { Clock, TimerHandle } from './clock.ts';
import { limits } from './limits.ts';

/**
 * Looks every limits.clockLookMs whether the wall clock has left the steady one by more than limits.clockStepMs since the
 * look before: somebody set it, or the machine slept. `onStep`: by how many ms, negative where it was set back. Returns
 * what stops it.
 */
export function watchClock(clock: Clock, onStep: (byMs: number) => void): () => void {
  const ahead = (): number => clock.now() - clock.steadyNow();
  let before = ahead();
  let timer: TimerHandle;
  function look(): void {
    const byMs = ahead() - before;
    before += byMs;
    timer = clock.setTimeout(look, limits.clockLookMs);
    if (Math.abs(byMs) > limits.clockStepMs) onStep(Math.round(byMs));
  }
  timer = clock.setTimeout(look, limits.clockLookMs);
  return () => clock.clearTimeout(timer);
}

/** What to tell people of a step. */
export function stepText(byMs: number): string {
  const seconds = Math.abs(byMs / 1000).toFixed(1);
  return byMs < 0
    ? `the clock was set back by ${seconds} s: what was to happen at a time comes that much later; paces and waits go on as they were`
    : `the clock went forward by ${seconds} s (it was set, or the machine slept): what came due meanwhile happens now; paces and waits go on as they were`;
}
