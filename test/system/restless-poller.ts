import type { Random } from './random.ts';

export interface RestlessPollerOptions {
  readonly name: string;
  readonly key: string;
  readonly random: Random;
  /** Polls, about, before one is given up, whose answer may be on its way or have come. */
  readonly dropsEvery: number;
  /** Resolves with where to poll, while somebody serves there. */
  readonly served: () => Promise<string>;
}

/** A bot client at the façade that comes and goes: it polls with an offset of its own until it has the last update. */
export function createRestlessPoller({ name, key, random, dropsEvery, served }: RestlessPollerOptions) {
  const ids: number[] = [];
  let failures = 0;
  const soon = (): number => random.whole(1, 2 * dropsEvery);
  let untilDrop = soon();

  /** The ids of one poll's answer; null where it was given up, or nobody answered. */
  async function poll(offset: number): Promise<number[] | null> {
    const url = `${await served()}/telegram/bot${key}/getUpdates`;
    const query = new URLSearchParams({ offset: String(offset), limit: String(random.whole(1, 100)), timeout: '5' });
    untilDrop -= 1;
    const dropped = untilDrop === 0;
    const signal = dropped ? AbortSignal.timeout(random.whole(0, 5)) : null;
    if (dropped) untilDrop = soon();
    let answer: Readonly<Record<string, unknown>>;
    try {
      answer = Object(await (await fetch(`${url}?${query}`, { signal })).json());
      if (dropped) throw new Error('given up');
    } catch {
      failures += 1;
      return null;
    }
    if (Array.isArray(answer.result)) return answer.result.map(({ update_id }) => update_id);
    // It is about to be gone, and comes back; or the poll that was given up came in behind this one.
    if (Number(answer.error_code) >= 500 || (answer.error_code === 409 && failures > 0)) return null;
    throw new Error(`${name} was answered ${answer.error_code}`);
  }

  return {
    name,
    /** The ids of the updates that it was given, in that order. */
    ids,
    /** Polls that had no answer, or whose answer it did not take. */
    failures: () => failures,
    async pollUntil(last: number): Promise<void> {
      while (ids.at(-1) !== last) ids.push(...((await poll((ids.at(-1) ?? 0) + 1)) ?? []));
    },
  };
}
