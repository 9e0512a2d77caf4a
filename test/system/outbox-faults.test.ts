import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openJournal } from '../support/journal.ts';
import { armDeath, type Death } from './deaths.ts';
import { readAll } from './evidence.ts';
import { expectHonest, type Posted } from './fates-evidence.ts';
import { createRandom, type Random } from './random.ts';
import { BOT, type Stage, setStage } from './stage.ts';
import type { Moment } from './wire.ts';

/** SWITCHBOARD_TEST_SEED repeats a run's plan: what is posted, what goes wrong, and when the process dies. */
const SEED = Number(process.env.SWITCHBOARD_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MESSAGES = 10_000;
const CHATS = Array.from({ length: 250 }, (_, i) => 1001 + i);
const BATCH = 200;
const KILLS = 10;

/** What goes wrong in one life. Calls that hang end with it: none is left for the last life to wait for. */
function faultsOf(random: Random, isLast: boolean): object[] {
  const method = 'sendMessage';
  const chat = () => CHATS[random.whole(0, CHATS.length - 1)];
  const some = (count: number, fault: () => object) => Array.from({ length: count }, () => ({ method, ...fault() }));
  return [
    ...some(8, () => ({ chat_id: chat(), error_code: 429, retry_after: 1 })),
    ...some(8, () => ({ chat_id: chat(), error_code: [500, 502, 503, 504][random.whole(0, 3)] })),
    ...some(8, () => ({ chat_id: chat(), kind: 'reset' })),
    ...some(8, () => ({ chat_id: chat(), kind: 'lost_answer' })),
    ...some(isLast ? 0 : 4, () => ({ chat_id: chat(), kind: 'timeout' })),
    // Whatever chat is next: the whole bot is meant.
    ...some(1, () => ({ error_code: 429, retry_after: 1, times: 20 })),
  ];
}

/** Half of the lives end as a call arrives that was just claimed, half as its answer goes back. */
const deathOf = (random: Random, n: number): Death => ({
  moment: n % 2 === 0 ? 'call' : 'answer',
  nth: random.whole(100, 700),
  delayMs: random.next() < 0.5 ? 0 : random.whole(1, 20),
  arrives: random.next() < 0.5,
  serverForgets: false,
});

/** Posts all of it in batches, in order, each until it is accepted, whoever dies meanwhile. */
async function postAll({ url, writerKey, operator }: Stage, posted: readonly Posted[]): Promise<void> {
  for (let n = 0; n < posted.length; n += BATCH) {
    const messages = posted.slice(n, n + BATCH).map(({ key, chat, text, resend }) => ({
      chat_id: chat,
      text,
      idempotency_key: key,
      ...(resend ? { delivery: { on_unknown: 'resend' } } : {}),
    }));
    const headers = { authorization: `Bearer ${writerKey}`, 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify({ messages }) };
    for (let accepted = false; !accepted; ) {
      const lives = operator.controls.length;
      const answer = await fetch(`${url}/v1/messages/batch`, init).then(
        (response) => response.text(),
        () => null,
      );
      if (answer === null) {
        // It died: on with the next one, who greets the operator.
        await operator.pulse.until(() => operator.controls.length > lives, 'the next life', 60_000);
        continue;
      }
      expect(answer).not.toContain('"error"');
      accepted = true;
    }
  }
}

test(`10,000 messages through faults and kills: each has one honest fate (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const begunAt = performance.now();
  const posted = Array.from({ length: MESSAGES }, (_, n): Posted => {
    const chat = CHATS[random.whole(0, CHATS.length - 1)] ?? 0;
    return { key: `key-${n}`, chat, text: `number ${n} to ${chat}`, resend: random.next() < 0.1 };
  });
  let at = (_: Moment): boolean => true;
  const stage = await setStage({ at: (moment) => at(moment), onUpdates: () => {} }, random.next);
  const { operator, control, url } = stage;
  const { pulse } = operator;
  // Whoever has not written cannot be written to. (The conversations' own answers are not looked at here.)
  await control('messages', { messages: CHATS.map((chat_id) => ({ chat_id, text: 'hello' })) });

  const posting = { over: false };
  const writer = (async () => {
    await pulse.until(() => operator.controls.length > 0, 'the first life', 60_000);
    await postAll(stage, posted);
    posting.over = true;
    pulse.beat();
  })();
  const settled = settledCounter(stage, posted);
  for (let n = 0; n <= KILLS; n += 1) {
    const isLast = n === KILLS;
    await control('faults', undefined, 'DELETE');
    for (const fault of faultsOf(random, isLast)) await control('faults', fault);
    const life: { child: ChildProcess | null; killed: boolean } = { child: null, killed: false };
    at = isLast
      ? () => true
      : armDeath(deathOf(random, n), () => {
          life.killed = true;
          life.child?.kill('SIGKILL');
          pulse.beat();
        });
    life.child = await stage.startLife();
    if (life.killed) life.child.kill('SIGKILL');
    const exited = once(life.child, 'exit');
    const reading = operator.read(url);
    if (isLast) {
      await writer;
      const { head } = JSON.parse(
        await (await fetch(`${url}/v1/events?poll=1`, { headers: { authorization: `Bearer ${stage.key}` } })).text(),
      );
      await pulse.until(() => operator.entries.length >= head, 'the operator to have heard all', 60_000);
      await pulse.until(() => settled() === MESSAGES, 'every fate', 60_000).catch(() => {});
      life.child.disconnect();
      expect((await exited)[0]).toBe(0);
    } else {
      await pulse.until(() => life.killed, `the death of life ${n + 1}`, 60_000);
      expect((await exited)[1]).toBe('SIGKILL');
    }
    await reading;
  }

  const journal = openJournal(stage.folder, systemClock, BOT);
  const entries = await readAll(journal);
  const counts = { sent: 0, failed: 0, unknown: 0, unknownButShown: 0, again: 0 };
  for (const chat of CHATS) {
    const { messages: transcript } = await control(`chats/${chat}`);
    expectHonest(
      posted.filter((message) => message.chat === chat),
      entries,
      transcript,
      counts,
    );
  }
  expect(counts.sent + counts.failed + counts.unknown).toBe(MESSAGES);
  const ms = Math.round(performance.now() - begunAt);
  console.log(`seed ${SEED}: ${KILLS} kills, ${ms} ms: ${JSON.stringify(counts)}`);
  // The faults did hit: answers were lost, and what was welcome twice went twice.
  expect(counts.unknown).toBeGreaterThan(50);
  expect(counts.unknownButShown).toBeGreaterThan(0);
  expect(counts.again).toBeGreaterThan(0);
}, 300_000);

/** Counts the posted messages whose last word the operator has heard. */
function settledCounter({ operator }: Stage, posted: readonly Posted[]): () => number {
  const resent = new Set(posted.filter(({ resend }) => resend).map(({ text }) => text));
  const texts = new Set(posted.map(({ text }) => text));
  const waiting = new Map<string, boolean>();
  let [looked, settled] = [0, 0];
  return () => {
    for (const { type, data } of operator.entries.slice(looked)) {
      looked += 1;
      if (!type.startsWith('message.')) continue;
      const { id, params } = JSON.parse(data).message;
      if (type === 'message.accepted' && texts.has(params.text)) waiting.set(id, resent.has(params.text));
      // What is sent again after it is unknown has another word to come.
      else if (!(type === 'message.unknown' && waiting.get(id) === true) && waiting.delete(id)) settled += 1;
    }
    return settled;
  };
}
