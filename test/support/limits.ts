import { onTestFinished } from 'vitest';
import { limits } from '../../src/limits.ts';

/** Other bounds for the length of a test: those that are shipped would take their time to reach. */
export function withLimits(lower: Partial<Record<keyof typeof limits, number>>): void {
  const real = { ...limits };
  Object.assign(limits, lower);
  onTestFinished(() => void Object.assign(limits, real));
}
