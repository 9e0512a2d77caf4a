/** What a benchmark is given. */
export interface Bench {
  /** Empty, and gone afterwards. */
  readonly folder: string;
  readonly print: (label: string, value: string) => void;
}

export const perS = (count: number, ms: number): string => `${Math.round((count / ms) * 1000).toLocaleString('en')}/s`;

/** The value below which `share` of the numbers lie. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
