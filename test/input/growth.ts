/** A parser, and what it is given: texts that it finds hard, of any length. */
export interface Trial {
  readonly name: string;
  /** Characters of the longer input: that of the parser's own bound, or less where it takes long. */
  readonly length: number;
  readonly run: (text: string) => unknown;
  /** What each input is made of, again and again, between a beginning and an end. */
  readonly units: readonly (string | readonly [begin: string, unit: string, end: string])[];
}

const TIMES = 16;
/** A parser whose time grows with the length takes 16 times as long; one whose time grows with its square 256 times. */
const GOOD = 24;
/** A quick look: the shortest of so many, each so long, as a clock on the wall tells. */
const LOOK = { tries: 3, leastMs: 2, now: () => performance.now() };
/** What a busy machine has spoilt is measured by the CPU time, which is told in steps of 4 ms: the best of five. */
const MEASURE = { tries: 5, leastMs: 40, now: cpuMs };

/**
 * How many times as long a parser takes for 16 times the input. One long input is measured against 16 short ones, which
 * take alike if the time grows with the length. What a parser throws is its answer.
 */
export async function growthOf({ length, run }: Trial, unit: Trial['units'][number]): Promise<number> {
  const [begin, middle, end] = typeof unit === 'string' ? ['', unit, ''] : unit;
  const text = (of: number): string => begin + middle.repeat(Math.max(1, Math.floor(of / middle.length))) + end;
  const [short, long] = [text(length / TIMES), text(length)];
  const runs = async (input: string, times: number, now: () => number): Promise<number> => {
    const begun = now();
    for (let n = 0; n < times; n += 1) {
      try {
        await run(input);
      } catch {
        // It was refused.
      }
    }
    return now() - begun;
  };
  await runs(short, TIMES, LOOK.now);
  const onceMs = await runs(long, 1, LOOK.now);
  let growth = Number.POSITIVE_INFINITY;
  for (const { tries, leastMs, now } of [LOOK, MEASURE]) {
    const rounds = Math.ceil(leastMs / onceMs);
    let [ofLong, ofShort] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let n = 0; n < tries && growth > GOOD; n += 1) {
      ofLong = Math.min(ofLong, await runs(long, rounds, now));
      ofShort = Math.min(ofShort, await runs(short, rounds * TIMES, now));
      growth = (ofLong / Math.max(ofShort, 1e-3)) * TIMES;
    }
  }
  return growth;
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
