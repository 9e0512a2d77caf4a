import { beforeEach, describe, expect, test } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';
import { fixtureHead, fixtureLine, runFixture } from '../../src/conversations/fixture.ts';
import { checkedStepper } from '../../src/conversations/machines.ts';
import { type ReplayedNote, type ReplayedStep, replay } from '../../src/conversations/replay.ts';
import { createRouter } from '../../src/conversations/router.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { addMessage } from '../../src/outbox/outbox.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { groupUpdate, textUpdate } from '../support/updates.ts';
import { first, other, routerOf, second, sweepAll, tableOf } from './versions.ts';

let clock: ManualClock;
let journal: Journal;

beforeEach(() => {
  clock = manualClock();
  journal = openJournal(temporaryFolder(), clock);
});

const stepperOf = (machine: AnyStateMachine) => checkedStepper('shop', 'shop.machine.ts', machine);

async function replayed(conversation: string, machine: AnyStateMachine, former: Readonly<Record<string, string>> = {}) {
  const all: (ReplayedStep | ReplayedNote)[] = [];
  const formerChats = (chat: string) => Object.keys(former).filter((old) => former[old] === chat);
  for await (const one of replay({
    ...{ journal: { ...journal, formerChats }, stepper: stepperOf(machine), conversation },
    chat: conversation.replace(/:.*/, ''),
    perOf: (kind) => (kind === 'group' ? 'user' : 'chat'),
  }))
    all.push(one);
  return all;
}

/** What was replayed, a line each: `!` where it departs. */
async function lines(...args: Parameters<typeof replayed>): Promise<string[]> {
  return (await replayed(...args)).map((one) => {
    const mark = one.departs ? '! ' : '';
    if (one.kind === 'note') return mark + one.text;
    const said = one.told.flatMap((what) => (what.type === 'message.accepted' ? [JSON.stringify(what.params)] : []));
    const texts = said.map((params) => JSON.parse(params).text);
    return [`${mark}${one.event.type}: ${one.from} -> ${one.to}`, ...texts].join(', ');
  });
}

/** A timer that fires, a request that is answered, a key's message committed together with an update. */
async function live(): Promise<void> {
  const router = routerOf(journal, tableOf(first));
  await router.receiveUpdates([textUpdate(7, 'hello'), textUpdate(7, 'buy')], 1);
  await clock.advance(60_000);
  await router.fireTimers();
  const plain = { priority: 0, sendAt: null, expiresAt: null, onUnknown: 'hold', keyId: 'a key' } as const;
  const posted = { chat: '7', method: 'sendMessage', params: '{"chat_id":7,"text":"by a key"}', ...plain };
  await Promise.all([
    router.receiveUpdates([textUpdate(7, 'pay')], 2),
    journal.write(async (tx) => void addMessage(tx, '1', posted)),
  ]);
  const [request] = await journal.openRequests(1);
  if (request === undefined) throw new Error('nothing was asked');
  await router.answerRequest(request, { output: 'yes' });
  await router.answerRequest(request, { output: 'again' });
  await router.postEvent({ keyId: 'k', idempotencyKey: 'i', conversation: '7', event: { type: 'shop.closed' } });
}

test('the machine that was stepped comes to what happened, of updates, timers, answers and events', async () => {
  await live();
  const { head } = journal.bounds();
  expect(await lines('7', first)).toEqual([
    'message.received: null -> "browsing", one 1',
    'message.received: "browsing" -> "deciding"',
    'xstate.after.patience.shop.deciding: "deciding" -> "browsing", too late',
    'message.received: "browsing" -> "paying"',
    'xstate.done.actor.charge: "paying" -> "browsing", paid',
    'shop.closed: "browsing" -> "browsing"',
  ]);
  expect(journal.bounds().head).toBe(head);
});

describe('another machine departs', () => {
  test('by what it says', async () => {
    await live();
    const steps = await replayed('7', second);
    const [hello] = steps;
    expect(hello).toMatchObject({
      departs: true,
      told: [{ params: { text: 'two 1' } }, { to: 'browsing' }],
      happened: [{ params: { text: 'one 1' } }, { to: 'browsing' }],
    });
  });

  test('by what it does not wait for: a timer that fired and an answer that came have no taker', async () => {
    await live();
    expect((await lines('7', other)).filter((line) => line.startsWith('! the'))).toEqual([
      '! the timer xstate.after.patience.shop.deciding fired then, and is not due here',
      '! the backend answered charge then, and nobody asks it here',
    ]);
  });

  test('by a timer that is due here and was not then: it fires before the next event', async () => {
    const router = routerOf(journal, tableOf(other));
    await router.receiveUpdates([textUpdate(7, 'hello')], 1);
    await clock.advance(60_000);
    await router.receiveUpdates([textUpdate(7, 'still there?')], 2);
    const machine = createMachine({ ...second.config, initial: 'deciding' }, second.implementations);
    expect(await lines('7', machine)).toEqual([
      'message.received: null -> "deciding", two 1',
      '! xstate.after.patience.shop.deciding: "deciding" -> "browsing", late',
      'message.received: "browsing" -> "browsing", two 2',
    ]);
  });

  test('what it waits for at the end is told', async () => {
    await routerOf(journal, tableOf(first)).receiveUpdates([textUpdate(7, 'buy'), textUpdate(8, 'pay')], 1);
    expect((await lines('7', first)).at(-1)).toBe(
      'waits for the timer xstate.after.patience.shop.deciding, due 2026-01-01T00:01:00.000Z',
    );
    expect((await lines('8', first)).at(-1)).toMatch(/^waits for an answer from the backend to charge, 1-\d+-0$/);
  });
});

describe('whose events they are', () => {
  test('in a group each member’s own, also after it has become a supergroup', async () => {
    const router = routerOf(journal, tableOf(first));
    await router.receiveUpdates([groupUpdate(-5, 1, 'hello'), groupUpdate(-5, 2, 'buy'), groupUpdate(-5, 1, 'pay')], 1);
    const { update_id, message } = groupUpdate(-5, 1, '');
    await router.receiveUpdates([{ update_id, message: { ...message, migrate_to_chat_id: -1005 } }], 2);
    await router.receiveUpdates([groupUpdate(-1005, 1, 'and here?')], 3);
    expect(await lines('-1005:u1', first, { '-5': '-1005' })).toEqual([
      'message.received: null -> "browsing", one 1',
      'message.received: "browsing" -> "paying"',
      'message.received: "paying" -> "paying", one 3',
      expect.stringMatching(/^waits for an answer/),
    ]);
  });

  test('a command that names another bot was not taken, one that names this bot was', async () => {
    const machines = tableOf(first);
    const router = createRouter({ journal, machines, username: () => 'shop_bot' });
    await router.receiveUpdates([textUpdate(7, '/go@other_bot'), textUpdate(7, '/go@shop_bot')], 1);
    expect(await lines('7', first)).toEqual(['message.received: null -> "browsing", one 1']);
  });
});

describe('a life over several versions', () => {
  test('a restart begins the replay anew; what came of a quarantine is not compared', async () => {
    await routerOf(journal, tableOf(first)).receiveUpdates([textUpdate(7, 'break'), textUpdate(8, 'break')], 1);
    const machines = tableOf(second, { unfit: 'restart' });
    await routerOf(journal, machines).receiveUpdates([textUpdate(7, 'hello')], 2);
    await sweepAll(journal, tableOf(second, { unfit: 'quarantine' }));
    await routerOf(journal, machines).receiveUpdates([textUpdate(8, 'hello')], 3);
    expect(await lines('7', second)).toEqual([
      '! message.received: null -> "browsing", two 1',
      'version 1 -> 2: restarted then',
      'message.received: null -> "browsing", two 1',
    ]);
    expect(await lines('8', first)).toEqual([
      'message.received: null -> "dusty"',
      expect.stringMatching(/^quarantined then: version 1 does not fit version 2: state_gone/),
      'message.received: "dusty" -> "dusty", one 2',
    ]);
  });
});

describe('a fixture', () => {
  async function* fixture(): AsyncGenerator<string> {
    yield fixtureHead(stepperOf(first), '1');
    for (const one of await replayed('7', first)) {
      const line = fixtureLine(one);
      if (line !== null) yield line;
    }
  }
  async function differences(machine: AnyStateMachine): Promise<number[]> {
    const lines: number[] = [];
    for await (const { line, says, comes } of runFixture(fixture(), async () => stepperOf(machine))) {
      if (JSON.stringify(says) !== JSON.stringify(comes)) lines.push(line);
    }
    return lines;
  }

  test('of a replay holds for its machine, and names the lines where another comes to something else', async () => {
    await live();
    expect(await differences(first)).toEqual([]);
    // Of other's: what it says, and the timer and the answer that it does not wait for.
    expect(await differences(other)).toEqual([2, 3, 4, 5, 6]);
  });

  test('that is none is refused', async () => {
    async function* nonsense() {
      yield '{"machine":7}';
    }
    await expect(runFixture(nonsense(), async () => stepperOf(first)).next()).rejects.toThrow('is no fixture');
  });
});
