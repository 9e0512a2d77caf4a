/** What a benchmark is given. */
export interface Bench {
  /** Empty, and gone afterwards. */
  readonly folder: string;
  readonly print: (label: string, value: string) => void;
}

export const perS = (count: number, ms: number): string => `${Math.round((count / ms) * 1000).toLocaleString('en')}/s`;

/** A figure beside the one that it is to be. */
export function ratio(value: number, bound: 'at least' | 'at most', target: number): string {
  const met = bound === 'at least' ? value >= target : value <= target;
  return `${value.toFixed(2)} (target: ${bound} ${target}, ${met ? 'met' : 'missed'})`;
}

/** The value below which `share` of the numbers lie. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
