import { once } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openReader } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { loadSize, testSeed } from '../support/environment.ts';
import { openJournal } from '../support/journal.ts';
import { beginAutopsy } from './autopsy.ts';
import { armDeath, type Death } from './deaths.ts';
import { readAll } from './evidence.ts';
import { doubtsOf, expectHonest, type Posted } from './fates-evidence.ts';
import { createRandom, type Random } from './random.ts';
import { BOT, type Life, type Stage, setStage } from './stage.ts';
import type { Moment } from './wire.ts';

/** SWITCHBOARD_TEST_SEED repeats a run's plan: what is posted, what goes wrong, and when the process dies. */
const SEED = testSeed();
const MESSAGES = loadSize(5000, 10_000);
const CHATS = Array.from({ length: 250 }, (_, i) => 1001 + i);
/** More than one commit takes. */
const BATCH = 400;
const KILLS = loadSize(5, 10);

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

type End =
  /** As a call arrives that was just claimed, or as its answer goes back. */
  | { readonly as: 'wire'; readonly death: Death }
  /** While the nth batch that it is given is read and checked, or as the first part of it is committed. */
  | { readonly as: 'posting' | 'posted'; readonly nth: number; readonly delayMs: number }
  /** As it begins: about to end what its predecessor was sending, or having just done so. */
  | { readonly as: 'recovering' | 'recovered'; readonly delayMs: number };

const ENDS = [
  'wire',
  'posted',
  'wire',
  'recovering',
  'wire',
  'posting',
  'wire',
  'recovered',
  'posted',
  'wire',
] as const;

function endOf(random: Random, n: number): End {
  // Where few are killed, other runs begin elsewhere: at an even place, which needs no life before it.
  const as = ENDS[(n + 2 * (SEED % 5)) % ENDS.length] ?? 'wire';
  if (as === 'posting') return { as, nth: random.whole(1, 2), delayMs: random.whole(0, 60) };
  if (as === 'posted') return { as, nth: random.whole(1, 2), delayMs: random.whole(0, 3) };
  if (as !== 'wire') return { as, delayMs: random.whole(0, 3) };
  const moment = random.next() < 0.5 ? 'call' : 'answer';
  const delayMs = random.next() < 0.5 ? 0 : random.whole(1, 20);
  const death = {
    moment,
    nth: random.whole(100, 600),
    delayMs,
    arrives: random.next() < 0.5,
    serverForgets: false,
  } as const;
  return { as, death };
}

/** Tells when a batch is on its way, and whether the next may go. */
interface Turnstile {
  readonly mayPost: (batch: number) => boolean;
  readonly onPost: () => void;
}

/** Posts all of it in batches, in order, each until it is accepted, whoever dies meanwhile. */
async function postAll(
  { url, writerKey, operator }: Stage,
  posted: readonly Posted[],
  { mayPost, onPost }: Turnstile,
): Promise<void> {
  for (let n = 0; n < posted.length; n += BATCH) {
    await operator.pulse.until(() => mayPost(n / BATCH), 'the life that it is for', 120_000);
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
      const answering = fetch(`${url}/v1/messages/batch`, init).then(
        (response) => response.text(),
        () => null,
      );
      onPost();
      const answer = await answering;
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

test(`${MESSAGES} messages through faults and kills: each has one honest fate (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const begunAt = performance.now();
  const posted = Array.from({ length: MESSAGES }, (_, n): Posted => {
    const chat = CHATS[random.whole(0, CHATS.length - 1)] ?? 0;
    return { key: `key-${n}`, chat, text: `number ${n} to ${chat}`, resend: random.next() < 0.1 };
  });
  const texts = new Set(posted.map(({ text }) => text));
  let at = (_: Moment): boolean => true;
  const stage = await setStage({ at: (moment) => at(moment), onUpdates: () => {} }, random.next);
  const { operator, control, url } = stage;
  const { pulse } = operator;
  // Whoever has not written cannot be written to. (The conversations' own answers are not looked at here.)
  await control('messages', { messages: CHATS.map((chat_id) => ({ chat_id, text: 'hello' })) });

  const lives = { begun: 0 };
  let onPost = () => {};
  const writer = (async () => {
    await pulse.until(() => operator.controls.length > 0, 'the first life', 60_000);
    // Each life gets its share, so that each has something to die over.
    const mayPost = (batch: number) => batch < (lives.begun * MESSAGES) / BATCH / (KILLS + 1);
    await postAll(stage, posted, { mayPost, onPost: () => onPost() });
  })();
  const settled = settledCounter(stage, posted);
  /** What each kill found being sent, and of a post what it had accepted of it. */
  const killed: string[][] = [];
  const halves: number[] = [];
  for (let n = 0; n < KILLS; n += 1) {
    await control('faults', undefined, 'DELETE');
    for (const fault of faultsOf(random, false)) await control('faults', fault);
    const end = endOf(random, n);
    const before = n === 0 ? null : beginAutopsy(stage.folder);
    const acceptedBefore = before?.accepted() ?? 0;
    let dead = false;
    let life: Life | null = null;
    const kill = () => {
      dead = true;
      life?.child.kill('SIGKILL');
      pulse.beat();
    };
    at = end.as === 'wire' ? armDeath(end.death, kill) : () => true;
    let postsLeft = end.as === 'posting' || end.as === 'posted' ? end.nth : 0;
    onPost = () => {
      if (postsLeft === 0) return;
      postsLeft -= 1;
      if (postsLeft > 0 || end.as === 'wire') return;
      const committed = end.as === 'posted' ? before?.acceptedMore() : null;
      void Promise.resolve(committed).then(() => setTimeout(kill, end.delayMs));
    };
    life = stage.beginLife();
    const exited = once(life.child, 'exit');
    lives.begun += 1;
    if (before !== null && (end.as === 'recovering' || end.as === 'recovered')) {
      await (end.as === 'recovering' ? before.takenOver() : before.recovered());
      setTimeout(kill, end.delayMs);
      expect((await exited)[1]).toBe('SIGKILL');
    } else {
      await life.serves;
      if (dead) life.child.kill('SIGKILL');
      const reading = operator.read(url);
      await pulse.until(() => dead, `the death of life ${n + 1}`, 60_000);
      expect((await exited)[1]).toBe('SIGKILL');
      await reading;
    }
    before?.close();
    const after = beginAutopsy(stage.folder);
    killed.push(after.sending().filter((text) => texts.has(text)));
    if (end.as.startsWith('post')) halves.push((after.accepted() - acceptedBefore) % BATCH);
    after.close();
    expect(killed.at(-1)?.length).toBeLessThanOrEqual(limits.sendsInFlightMax);
  }

  // The last life finds everything that the others left, and its share of faults.
  at = () => true;
  onPost = () => {};
  await control('faults', undefined, 'DELETE');
  for (const fault of faultsOf(random, true)) await control('faults', fault);
  const child = await stage.startLife();
  const exited = once(child, 'exit');
  const reading = operator.read(url);
  lives.begun += 1;
  pulse.beat();
  await writer;
  const { head } = JSON.parse(
    await (await fetch(`${url}/v1/events?poll=1`, { headers: { authorization: `Bearer ${stage.key}` } })).text(),
  );
  await pulse.until(() => operator.entries.length >= head, 'the operator to have heard all', 60_000);
  const left = openOutbox(stage.folder);
  await pulse.until(() => settled() === MESSAGES || left.isEmpty(), 'every fate', 120_000).catch(() => {});
  left.close();
  child.disconnect();
  expect((await exited)[0]).toBe(0);
  await reading;

  const journal = openJournal(stage.folder, systemClock, BOT);
  const entries = await readAll(journal);
  const doubts = doubtsOf(stage.wire.calls, killed);
  const counts = { sent: 0, unknown: 0, unknownButShown: 0, again: 0, neverLeft: 0 };
  for (const chat of CHATS) {
    const { messages: transcript } = await control(`chats/${chat}`);
    expectHonest(
      posted.filter((message) => message.chat === chat),
      entries,
      transcript,
      doubts,
      counts,
    );
  }
  expect(counts.sent + counts.unknown).toBe(MESSAGES);
  const ms = Math.round(performance.now() - begunAt);
  const found = killed.map(({ length }) => length).join(' ');
  console.log(
    `seed ${SEED}: ${ms} ms: ${JSON.stringify(counts)}; sending at the kills ${found}; parts of a post ${halves}`,
  );
  // The faults did hit: answers were lost, and what was welcome twice went twice.
  expect(counts.unknown).toBeGreaterThan(50);
  expect(counts.unknownButShown).toBeGreaterThan(0);
  expect(counts.again).toBeGreaterThan(0);
}, 600_000);

/** What is to be sent again has no other word to come once it has had all its tries: the rows alone tell. */
function openOutbox(folder: string): { isEmpty(): boolean; close(): void } {
  const db = openReader(folder);
  const one = db.prepare("SELECT 1 FROM messages WHERE status IN ('queued', 'sending', 'scheduled') LIMIT 1");
  return { isEmpty: () => one.get() === undefined, close: () => db.close() };
}

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
