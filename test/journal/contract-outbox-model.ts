import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Journal, MessageRecord, MessageStatus, Tx } from '../../src/journal/journal.ts';
import type { OpenEngine } from './engine.ts';
import { accept } from './records.ts';

const CHATS = ['a', 'b', 'c'];

type Step =
  | {
      readonly kind: 'accept';
      readonly chat: string;
      readonly priority: number;
      readonly delay: number;
      readonly scheduled: boolean;
    }
  | {
      readonly kind: 'change';
      readonly pick: number;
      readonly status: MessageStatus;
      readonly delay: number;
      readonly undone: boolean;
    }
  | { readonly kind: 'move'; readonly from: string; readonly to: string }
  | { readonly kind: 'queueDue' | 'reopen' };

const aChat = fc.constantFrom(...CHATS);
const aDelay = fc.constantFrom(0, 0, 3, 10);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('accept'),
      chat: aChat,
      priority: fc.nat(2),
      delay: aDelay,
      scheduled: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('change'),
      pick: fc.nat(),
      status: fc.constantFrom<MessageStatus[]>('queued', 'queued', 'sending', 'sent', 'canceled', 'scheduled'),
      delay: aDelay,
      undone: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move'), from: aChat, to: aChat }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('queueDue', 'reopen') }) },
);

/** What may be claimed, as the port says it, from a list of all messages. */
function plainClaimable(all: readonly MessageRecord[], now: number, busy: readonly string[]): number[] {
  const queued = all.filter(({ status, chat }) => status === 'queued' && !busy.includes(chat));
  const overtakes = (m: MessageRecord) =>
    queued.some((e) => e.chat === m.chat && e.seq < m.seq && e.priority <= m.priority && e.dueAt > now);
  const chats = new Set<string>();
  return queued
    .filter((m) => m.dueAt <= now && !behind(m, queued) && !overtakes(m))
    .sort((x, y) => x.priority - y.priority || x.seq - y.seq)
    .filter(({ chat }) => !chats.has(chat) && chats.add(chat))
    .map(({ seq }) => seq);
}

const behind = (m: MessageRecord, queued: readonly MessageRecord[]): boolean =>
  queued.some((e) => e.chat === m.chat && e.priority === m.priority && e.seq < m.seq);

/** Does the step in the journal; the model is read back from its rows, which `changeMessage`'s own test vouches for. */
async function run(journal: Journal, step: Step, seqs: number[]): Promise<void> {
  const act = async (tx: Tx): Promise<void> => {
    if (step.kind === 'accept') {
      const status = step.scheduled ? 'scheduled' : 'queued';
      seqs.push(accept(tx, { chat: step.chat, priority: step.priority, status, dueAt: tx.now + step.delay }).seq);
    } else if (step.kind === 'change') {
      const seq = seqs[step.pick % seqs.length];
      if (seq !== undefined) tx.changeMessage(seq, { status: step.status, dueAt: tx.now + step.delay });
      if (step.undone) throw new Error('undone');
    } else if (step.kind === 'move') tx.moveChat(step.from, step.to);
    else await tx.dueMessages();
  };
  await journal.write(act).catch(() => {});
}

export function outboxModelContract(openEngine: OpenEngine): void {
  test('whatever happens to messages: what may be claimed, what waits and when is next agree with the messages', async () => {
    const engine = await openEngine();
    let bot = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { minLength: 5, maxLength: 40 }), async (steps) => {
        bot += 1;
        let journal = await engine.open(`${bot}`);
        const seqs: number[] = [];
        for (const step of steps) {
          if (step.kind === 'reopen') journal = await engine.open(`${bot}`);
          else await run(journal, step, seqs);
          await engine.clock.advance(1);
          const now = engine.clock.now();
          const found = await Promise.all(seqs.map((seq) => journal.message(seq)));
          const all = found.filter((message) => message !== null);
          for (const busy of [[], ['a']]) {
            const claimed = await journal.write((tx) => tx.claimable(busy, 99));
            expect(claimed.map(({ seq }) => seq)).toEqual(plainClaimable(all, now, busy));
          }
          const waiting = all.filter(({ status }) => status === 'queued' || status === 'scheduled');
          expect(await journal.outboxDepth()).toBe(waiting.length);
          const heads = waiting.filter(
            (m) =>
              m.status === 'scheduled' ||
              !behind(
                m,
                waiting.filter((w) => w.status === 'queued'),
              ),
          );
          const times = heads.map(({ dueAt }) => dueAt);
          expect(await journal.nextMessageAt()).toBe(times.length === 0 ? null : Math.min(...times));
          const coming = times.filter((at) => at > now);
          expect(await journal.nextMessageAt(now)).toBe(coming.length === 0 ? null : Math.min(...coming));
        }
      }),
      { numRuns: 40, seed: 20_260_101 },
    );
  });
}
