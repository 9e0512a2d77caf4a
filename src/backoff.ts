/**
 * ms to wait before the next try: `minMs` after the first failure, doubled with each more up to `maxMs`, of which a
 * random half is taken off so that many who failed together do not return together. `random` gives 0 to 1.
 */
export function backoffMs(failures: number, minMs: number, maxMs: number, random: () => number): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
  return ceiling * (0.5 + random() / 2);
}
