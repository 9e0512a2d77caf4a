import { limits } from '../limits.ts';

/** How the backend has been doing. */
export interface BackendHealth {
  /** Requests being asked, or waiting for another try. */
  readonly inFlight: number;
  /** Tries that failed in a row, of the src that fares worst; 0 once that is answered. A refusal is an answer. */
  readonly failures: number;
  readonly lastError: { readonly at: number; readonly src: string; readonly message: string } | null;
  /** Why the backend counts as down: some src is being asked, and its last limits.backendFailuresMax tries failed. */
  readonly down: string | null;
}

interface Src {
  inFlight: number;
  failures: number;
  message: string;
}

/** Counts how each src fares: one that nobody answers is noticed beside others that do well. */
export function createHealth() {
  /** A machine may make names of what users write: the idle go first (I9). */
  const srcs = new Map<string, Src>();
  let inFlightOfAll = 0;
  let lastError: BackendHealth['lastError'] = null;

  function of(src: string): Src {
    const known = srcs.get(src) ?? { inFlight: 0, failures: 0, message: '' };
    srcs.set(src, known);
    return known;
  }

  function forgetIdle(): void {
    if (srcs.size <= limits.requestSrcsRememberedMax) return;
    for (const [src, { inFlight }] of srcs) {
      if (inFlight > 0) continue;
      srcs.delete(src);
      return;
    }
  }

  return {
    began(src: string): void {
      of(src).inFlight += 1;
      inFlightOfAll += 1;
      forgetIdle();
    },
    ended(src: string): void {
      of(src).inFlight -= 1;
      inFlightOfAll -= 1;
    },
    answered(src: string): void {
      of(src).failures = 0;
    },
    failed(src: string, message: string, at: number): void {
      Object.assign(of(src), { failures: of(src).failures + 1, message });
      lastError = { at, src, message };
    },
    now(): BackendHealth {
      const all = [...srcs];
      const down = all.find(([, { inFlight, failures }]) => inFlight > 0 && failures >= limits.backendFailuresMax);
      return {
        inFlight: inFlightOfAll,
        failures: Math.max(0, ...all.map(([, { failures }]) => failures)),
        lastError,
        down: down === undefined ? null : `${down[0]} failed ${down[1].failures} times in a row: ${down[1].message}`,
      };
    },
  };
}
