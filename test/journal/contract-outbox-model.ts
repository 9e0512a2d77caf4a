import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Journal, MessageRecord, MessageStatus, Tx } from '../../src/journal/journal.ts';
import type { OpenEngine } from './engine.ts';
import { accept } from './records.ts';

const CHATS = ['a', 'b', 'c'];
const KEYS = ['k1', 'k2', 'k3'];

type Step =
  | {
      readonly kind: 'accept';
      readonly chat: string;
      readonly key: string | null;
      readonly priority: number;
      readonly order: 'chat' | 'free';
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
  /** Telegram refused a message: its group is a supergroup now. */
  | { readonly kind: 'moved'; readonly pick: number; readonly to: string }
  | { readonly kind: 'claim'; readonly limit: number }
  | { readonly kind: 'reopen' };

const aChat = fc.constantFrom(...CHATS);
const aDelay = fc.constantFrom(0, 0, 3, 10);
const aStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('accept'),
      chat: aChat,
      key: fc.constantFrom(null, ...KEYS),
      priority: fc.nat(2),
      order: fc.constantFrom<('chat' | 'free')[]>('chat', 'chat', 'free'),
      delay: aDelay,
      scheduled: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('change'),
      pick: fc.nat(),
      status: fc.constantFrom<MessageStatus[]>('queued', 'queued', 'sent', 'canceled', 'scheduled'),
      delay: aDelay,
      undone: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move'), from: aChat, to: aChat }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('moved'), pick: fc.nat(), to: aChat }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('claim'), limit: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen') }) },
);

/** The messages that lead: of each chat's the first in order, while none of them is under way; and each that is free. */
function leaders(all: readonly MessageRecord[]): MessageRecord[] {
  const laneOf = ({ chat, order, seq }: MessageRecord) => (order === 'chat' ? chat : `${chat} ${seq}`);
  const busy = new Set(all.filter(({ status }) => status === 'sending').map(laneOf));
  const queued = all.filter((m) => m.status === 'queued' && !busy.has(laneOf(m)));
  const lanes = new Map<string, MessageRecord>();
  for (const m of queued.sort(byTurn)) if (!lanes.has(laneOf(m))) lanes.set(laneOf(m), m);
  return [...lanes.values()].sort(byTurn);
}

/** The same in turns: within a priority one of each key, beginning behind the one whose turn was last. */
function inTurns(lead: readonly MessageRecord[], turns: ReadonlyMap<number, string>): MessageRecord[] {
  const found: MessageRecord[] = [];
  for (const priority of new Set(lead.map((m) => m.priority))) {
    const left = lead.filter((m) => m.priority === priority);
    for (let last = turns.get(priority); left.length > 0; ) {
      const keys = [...new Set(left.map(keyOf))].sort();
      const key = keys.find((one) => last === undefined || one > last) ?? keys[0];
      found.push(
        ...left.splice(
          left.findIndex((m) => keyOf(m) === key),
          1,
        ),
      );
      last = key;
    }
  }
  return found;
}
const keyOf = ({ keyId }: MessageRecord): string => keyId ?? '';

const byTurn = (x: MessageRecord, y: MessageRecord): number => x.priority - y.priority || x.seq - y.seq;

/** Does the step in the journal; the model is read back from its rows, which `changeMessage`'s own test vouches for. */
async function run(journal: Journal, step: Step, seqs: number[], turns: Map<number, string>): Promise<void> {
  const act = async (tx: Tx): Promise<void> => {
    if (step.kind === 'accept') {
      const status = step.scheduled ? 'scheduled' : 'queued';
      seqs.push(
        accept(tx, {
          ...{ chat: step.chat, keyId: step.key, priority: step.priority, order: step.order, status },
          dueAt: tx.now + step.delay,
        }).seq,
      );
    } else if (step.kind === 'change') {
      const seq = seqs[step.pick % seqs.length];
      if (seq !== undefined) {
        const known = await tx.message(seq);
        const claimed = known?.status === 'sending' ? known : undefined;
        tx.changeMessage(seq, { status: step.status, dueAt: tx.now + step.delay }, claimed);
      }
      if (step.undone) throw new Error('undone');
    } else if (step.kind === 'move') tx.moveChat(step.from, step.to);
    else if (step.kind === 'moved') {
      const sending = (await Promise.all(seqs.map((seq) => tx.message(seq)))).filter((m) => m?.status === 'sending');
      const known = sending[step.pick % sending.length];
      if (known === undefined || known === null || known.chat === step.to) return;
      tx.changeMessage(known.seq, { status: 'queued', chat: step.to }, known);
      tx.moveMessages(known.chat, step.to);
    } else if (step.kind === 'reopen') {
      // As a start does: nobody knows what became of them.
      for (const { seq } of await tx.orphanedMessages()) tx.changeMessage(seq, { status: 'unknown' });
    } else {
      const claimed = await tx.claimable(step.limit, { turns });
      expect(claimed).toEqual((await tx.claimable(99, { turns })).slice(0, step.limit));
      tx.claim(claimed);
      for (const message of claimed) turns.set(message.priority, keyOf(message));
    }
  };
  await journal.write(act).catch(() => {});
}

export function outboxModelContract(openEngine: OpenEngine): void {
  test('whatever happens to messages: what may be claimed, what waits and when is next agree with the messages', async () => {
    const engine = await openEngine();
    let bot = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(aStep, { minLength: 1, maxLength: 3 }), { maxLength: 40 }),
        async (commits) => {
          bot += 1;
          let journal = await engine.open(`${bot}`);
          const seqs: number[] = [];
          const turns = new Map<number, string>();
          for (const steps of commits) {
            if (steps.some(({ kind }) => kind === 'reopen')) journal = await engine.open(`${bot}`);
            await Promise.all(steps.map((step) => run(journal, step, seqs, turns)));
            await engine.clock.advance(1);
            const now = engine.clock.now();
            const { claimed, nextAt, counts } = await journal.write(async (tx) => {
              await tx.dueMessages();
              const counts = await Promise.all(KEYS.map((key) => tx.waitingCount(key)));
              return { counts, claimed: await tx.claimable(99, { turns }), nextAt: await tx.nextMessageAt() };
            });
            const found = await Promise.all(seqs.map((seq) => journal.message(seq)));
            const all = found.filter((message) => message !== null);
            const lead = leaders(all);
            expect(claimed.map(({ seq }) => seq)).toEqual(
              inTurns(
                lead.filter(({ dueAt }) => dueAt <= now),
                turns,
              ).map(({ seq }) => seq),
            );
            const waiting = all.filter(({ status }) => status === 'queued' || status === 'scheduled');
            expect(await journal.outboxDepth()).toBe(waiting.length);
            expect(counts).toEqual(KEYS.map((key) => waiting.filter(({ keyId }) => keyId === key).length));
            const scheduled = all.filter(({ status }) => status === 'scheduled');
            const coming = [...lead, ...scheduled].map(({ dueAt }) => dueAt).filter((at) => at > now);
            expect(nextAt).toBe(coming.length === 0 ? null : Math.min(...coming));
          }
        },
      ),
      { numRuns: 60, seed: 20_260_101 },
    );
  });
}
