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
const TRIES = 10;
/** What takes less is measured several times at once. */
const LEAST_MS = 2;
/** A parser whose time grows with the length takes this; one whose time grows with its square takes 256. */
const GOOD = 24;

/**
 * How many times as long a parser takes for 16 times the input. One long input is measured against 16 short ones, which
 * take alike if the time grows with the length. Of several tries the shortest count, and there are no more once they are
 * good: what else the machine does only adds. What a parser throws is its answer.
 */
export async function growthOf({ length, run }: Trial, unit: Trial['units'][number]): Promise<number> {
  const [begin, middle, end] = typeof unit === 'string' ? ['', unit, ''] : unit;
  const text = (of: number): string => begin + middle.repeat(Math.max(1, Math.floor(of / middle.length))) + end;
  const [short, long] = [text(length / TIMES), text(length)];
  const runs = async (input: string, times: number): Promise<number> => {
    const begun = performance.now();
    for (let n = 0; n < times; n += 1) {
      try {
        await run(input);
      } catch {
        // It was refused.
      }
    }
    return performance.now() - begun;
  };
  await runs(short, TIMES);
  const rounds = Math.ceil(LEAST_MS / (await runs(long, 1)));
  let [ofLong, ofShort] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let n = 0; n < TRIES && !(ofLong / ofShort <= GOOD / TIMES); n += 1) {
    ofLong = Math.min(ofLong, await runs(long, rounds));
    ofShort = Math.min(ofShort, await runs(short, rounds * TIMES));
  }
  return (ofLong / ofShort) * TIMES;
}
