import { expect } from 'vitest';
import type { AnyStateMachine, StateValue } from 'xstate';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter, type Router } from '../../src/conversations/router.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { judgeOfBump } from './bump.ts';

/** What happens to a conversation: a text of its user, time, the backend's answer to the oldest request, a post. */
export type Happening =
  | string
  | { readonly afterMs: number }
  | { readonly answer: unknown }
  | { readonly fail: string }
  | { readonly post: { readonly type: string; readonly [field: string]: unknown } };

/** What came of it, as the journal has it. */
export interface Outcome {
  readonly replies: readonly string[];
  readonly state: StateValue | null;
  readonly status: string | null;
  readonly error: string | null;
  readonly context: unknown;
  /** The ids of the snapshot's children: requests that are not answered. */
  readonly children: readonly string[];
  /** Entries by type, without those of messages. */
  readonly entries: readonly string[];
  readonly emitted: readonly unknown[];
  readonly asked: readonly { readonly src: string; readonly input: unknown; readonly invoke: string }[];
  readonly timers: boolean;
}

/**
 * Has all this happen to one chat, through the real router and a real journal, twice: in one process, and with a
 * crash (all memory gone, the journal opened anew) between any two events. Expects the same of both; and that it would
 * fit a version of the machine that changes nothing, wherever it comes to.
 */
export async function happen(machine: AnyStateMachine, happenings: readonly Happening[]): Promise<Outcome> {
  const calm = await run(machine, happenings, false);
  expect(await run(machine, happenings, true)).toEqual(calm);
  return calm;
}

async function run(machine: AnyStateMachine, happenings: readonly Happening[], crashes: boolean): Promise<Outcome> {
  const clock = manualClock();
  const folder = temporaryFolder();
  let updateId = 1;
  const start = (): { journal: Journal; router: Router } => {
    const journal = openJournal(folder, clock);
    const table = createMachineTable(
      { private: { machine: machine.id, per: 'chat' }, group: null, channel: null },
      new Map([[machine.id, machine]]),
    );
    return { journal, router: createRouter({ journal, machines: table, username: () => null }) };
  };
  let { journal, router } = start();
  const take = async (happening: Happening): Promise<unknown> => {
    if (typeof happening === 'string') return router.receiveUpdates([textUpdate(7, happening, ++updateId)], updateId);
    if ('afterMs' in happening) {
      await clock.advance(happening.afterMs);
      return router.fireTimers();
    }
    if ('answer' in happening) return router.answerRequest(await oldestRequest(journal), { output: happening.answer });
    if ('fail' in happening) {
      return router.answerRequest(await oldestRequest(journal), {
        error: { code: happening.fail, message: 'it failed' },
      });
    }
    const idempotencyKey = String(++updateId);
    return router.postEvent({ keyId: '1', idempotencyKey, conversation: '7', event: happening.post });
  };
  const judge = judgeOfBump(machine);
  for (const happening of happenings) {
    if (crashes) ({ journal, router } = start());
    await take(happening);
    const stands = await journal.conversation('7');
    if (stands?.status !== 'active') continue;
    expect(judge(stands, await journal.timersOf('7'), await journal.requestsOf('7'))).toBeNull();
  }
  const record = await journal.conversation('7');
  const entries = await journal.read({ from: 1, limit: 1000 });
  const bodies = (type: string) => entries.filter((entry) => entry.type === type).map(({ body }) => JSON.parse(body));
  const requests = await journal.openRequests(100);
  const snapshot = record === null ? null : JSON.parse(record.snapshot);
  return {
    replies: bodies('message.accepted').map(({ message }) => message.params.text),
    state: record === null ? null : JSON.parse(record.state),
    status: record?.status ?? null,
    error: record?.error ?? null,
    context: snapshot?.context ?? null,
    children: Object.keys(snapshot?.children ?? {}),
    entries: entries.map(({ type }) => type).filter((type) => !type.startsWith('message.')),
    emitted: bodies('chat.emitted').map(({ event }) => event),
    asked: requests.map(({ src, input, invoke }) => ({ src, input: JSON.parse(input), invoke })),
    timers: (await journal.nextTimerAt()) !== null,
  };
}
