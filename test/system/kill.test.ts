import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { loadSize, testSeed } from '../support/environment.ts';
import { fromNow } from '../support/from-now.ts';
import { openJournal } from '../support/journal.ts';
import { armDeath, planDeaths } from './deaths.ts';
import { expectAppliedOnce, expectSeenWhole, expectSentOnce, readAll, type Written } from './evidence.ts';
import { createRandom } from './random.ts';
import { BOT, type Stage, setStage } from './stage.ts';
import type { Moment } from './wire.ts';

/** SWITCHBOARD_TEST_SEED repeats a run's plan: who writes what, and when the process dies. */
const SEED = testSeed();
const KILLS = loadSize(10, 20);
const CHATS = Array.from({ length: 30 }, (_, i) => 1001 + i);
const WRITERS = 5;
/** What users have written and nothing has settled yet: enough for batches of 100 after each start. */
const OPEN_MAX = 400;

/** One life of the process. */
interface Life {
  readonly startedAt: number;
  /** The updates that were handed to it. */
  readonly delivered: Set<number>;
}

/** Counts the messages that the operator has seen accepted, and whose fate it has not seen. */
function messageCounter({ operator }: Stage): () => number {
  const open = new Set<string>();
  let looked = 0;
  return () => {
    for (const { type, data } of operator.entries.slice(looked)) {
      looked += 1;
      if (!type.startsWith('message.')) continue;
      const { id } = JSON.parse(data).message;
      if (type === 'message.accepted') open.add(id);
      else open.delete(id);
    }
    return open.size;
  };
}

test(`a SIGKILL in mid-batch loses nothing and doubles nothing (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const begunAt = performance.now();
  const lives: Life[] = [];
  const delivered = new Set<number>();
  let at = (_: Moment): boolean => true;
  const stage = await setStage(
    {
      at: (moment) => at(moment),
      onUpdates(ids) {
        for (const id of ids) {
          delivered.add(id);
          lives.at(-1)?.delivered.add(id);
        }
      },
    },
    random.next,
  );
  const { url, operator, control } = stage;
  const { pulse } = operator;
  const openMessages = messageCounter(stage);

  // Users write all the time, also while nobody listens, as fast as they are answered.
  const written = new Map<number, Written[]>(CHATS.map((chat) => [chat, []]));
  let count = 0;
  let writing = true;
  async function write(writer: number): Promise<void> {
    const chats = CHATS.filter((_, i) => i % WRITERS === writer);
    const dice = createRandom(SEED + 1 + writer);
    while (writing) {
      const messages = Array.from({ length: dice.whole(1, 12) }, () => {
        count += 1;
        const chat = chats[dice.whole(0, chats.length - 1)] ?? 0;
        return { chat_id: chat, text: `message ${count} of all` };
      });
      const told: { update_id: number }[] = (await control('messages', { messages })).messages;
      for (const [i, { chat_id, text }] of messages.entries()) {
        written.get(chat_id)?.push({ updateId: told[i]?.update_id ?? 0, text });
      }
      const mayWrite = () => !writing || count - delivered.size + openMessages() < OPEN_MAX;
      await pulse.until(mayWrite, 'replies, for the users to write on', 30_000);
    }
  }
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, i) => write(i)));

  const begin = () => {
    lives.push({ startedAt: fromNow(0), delivered: new Set() });
    return stage.startLife();
  };
  const deaths = planDeaths(random, KILLS);
  expect(deaths).toHaveLength(KILLS);
  for (const death of deaths) {
    const life: { child: ChildProcess | null; killed: boolean } = { child: null, killed: false };
    at = armDeath(death, () => {
      life.killed = true;
      life.child?.kill('SIGKILL');
      pulse.beat();
    });
    life.child = await begin();
    // It may have come to its moment before it told that it serves.
    if (life.killed) life.child.kill('SIGKILL');
    const exited = once(life.child, 'exit');
    const reading = operator.read(url);
    await pulse.until(() => life.killed, `the ${death.nth}th ${death.moment} of life ${lives.length}`);
    expect((await exited)[1]).toBe('SIGKILL');
    await reading;
    if (death.serverForgets) stage.wire.forgetOffset();
  }

  // The last life finds everything that the others left.
  at = () => true;
  const child = await begin();
  const exited = once(child, 'exit');
  const reading = operator.read(url);
  writing = false;
  pulse.beat();
  await writers;
  await pulse.until(() => delivered.size === count, 'every update to be delivered');
  while ((await control('')).pending_update_count > 0);
  const page = await fetch(`${url}/v1/events?poll=1`, { headers: { authorization: `Bearer ${stage.key}` } });
  const { head } = JSON.parse(await page.text());
  // A double or a loss is told below, in words, and better than by a time that is up.
  const drained = () => operator.entries.length >= head && openMessages() === 0;
  await pulse.until(drained, 'the outbox to be empty').catch(() => {});
  child.disconnect();
  expect((await exited)[0]).toBe(0);
  expect(await reading).toBe('ended');

  const journal = openJournal(stage.folder, systemClock, BOT);
  const entries = await readAll(journal);
  expectSeenWhole(operator, journal, entries);
  const updates = entries.filter(({ type }) => type === 'update.received');
  let unknownButShown = 0;
  for (const [chat, messages] of written) {
    await expectAppliedOnce(chat, messages, journal, entries);
    const { messages: transcript } = await control(`chats/${chat}`);
    // The sandbox forgets a chat's oldest message at 1000.
    expect(transcript.length).toBeLessThan(1000);
    unknownButShown += expectSentOnce(chat, entries, transcript).unknownButShown;
  }
  expect(updates).toHaveLength(count);

  // The kills did hit work under way.
  const journalledAt = new Map(updates.map(({ fields, at }) => [fields.update.update_id, at]));
  const unknownAt = entries.flatMap(({ type, at }) => (type === 'message.unknown' ? at : []));
  const hits = deaths.map((_, k) => {
    const startedAt = lives[k + 1]?.startedAt ?? 0;
    const endedAt = lives[k + 2]?.startedAt ?? Number.POSITIVE_INFINITY;
    const again = [...(lives[k]?.delivered ?? [])].filter((id) => lives[k + 1]?.delivered.has(id));
    const stored = again.filter((id) => (journalledAt.get(id) ?? startedAt) < startedAt).length;
    const unknown = unknownAt.filter((at) => at >= startedAt && at < endedAt).length;
    return { beforeCommit: again.length - stored, beforeConfirmation: stored, unknown };
  });
  const busy = hits.filter((hit) => Object.values(hit).some((n) => n > 0)).length;
  const tell = (what: keyof (typeof hits)[number]): string => {
    const numbers = hits.map((hit) => hit[what]).filter((n) => n > 0);
    return `${numbers.length} (${numbers.reduce((sum, n) => sum + n, 0)})`;
  };
  const ms = Math.round(performance.now() - begunAt);
  console.log(
    `seed ${SEED}: ${count} updates, ${entries.length} entries, ${KILLS} kills, ${ms} ms\n` +
      `${busy} kills hit work under way: before a batch's commit ${tell('beforeCommit')} updates, ` +
      `between commit and confirmation ${tell('beforeConfirmation')}, calls under way ${tell('unknown')}\n` +
      `${unknownAt.length} messages are unknown, ${unknownButShown} of them had arrived`,
  );
  expect(busy).toBeGreaterThanOrEqual(KILLS / 2);
  expect(hits.filter((hit) => hit.beforeCommit > 0).length).toBeGreaterThan(0);
  expect(hits.filter((hit) => hit.beforeConfirmation > 0).length).toBeGreaterThan(0);
  expect(unknownAt.length).toBeGreaterThan(0);
});

test('an operator who resumes after a crash hears at once what became unknown, although nothing else happens', async () => {
  const dying = { child: null as ChildProcess | null };
  const { url, operator, control, startLife } = await setStage(
    {
      at(moment) {
        if (moment !== 'answer') return true;
        dying.child?.kill('SIGKILL');
        return false;
      },
      onUpdates: () => {},
    },
    Math.random,
  );
  dying.child = await startLife();
  const exited = once(dying.child, 'exit');
  const reading = operator.read(url);
  await control('messages', { messages: [{ chat_id: 777, text: 'hello' }] });
  await exited;
  await reading;
  await startLife();
  void operator.read(url);
  await operator.pulse.until(() => operator.entries.at(-1)?.type === 'message.unknown', 'message.unknown', 5000);
  expect(operator.entries.map(({ type }) => type)).toEqual([
    'update.received',
    'message.accepted',
    'chat.moved',
    'message.unknown',
  ]);
  expect((await control('chats/777')).messages.map(({ text }: { text: string }) => text)).toEqual(['hello', '0 hello']);
});
