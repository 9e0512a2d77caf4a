import { beforeEach, describe, expect, test } from 'vitest';
import { type AnyStateMachine, setup } from 'xstate';
import { createMachineTable, type MachineTable, type VersionParts } from '../../src/conversations/machines.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { oldestRequest, openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { first, routerOf, second, sweepAll, tableOf } from './versions.ts';

let clock: ManualClock;
let folder: string;
let journal: Journal;

beforeEach(() => {
  clock = manualClock();
  folder = temporaryFolder();
  journal = openJournal(folder, clock);
});

const other = setup({ actions: { reply: (_, _params: { text: string }) => {} } }).createMachine({
  id: 'other',
  version: '1',
  initial: 'there',
  states: { there: { on: { 'message.received': { actions: { type: 'reply', params: { text: 'other' } } } } } },
});

/** A deploy whose private chats run `other`, or nothing, and where nothing runs the shop. */
function without(policy: Pick<VersionParts, 'unfit'> = { unfit: 'quarantine' }, chosen = true): MachineTable {
  const parts = { context: undefined, migrate: null, older: [], restartText: 'begin again', ...policy };
  return createMachineTable(
    { private: chosen ? { machine: 'other', per: 'chat' } : null, group: null, channel: null },
    chosen ? new Map([['other', other]]) : new Map(),
    new Map([['shop', parts]]),
  );
}

/** Chat 2 has a timer, chat 3 waits for the backend. */
const begin = () => routerOf(journal, tableOf(first)).receiveUpdates([textUpdate(2, 'buy'), textUpdate(3, 'pay')], 1);

const lines = async (): Promise<string[]> =>
  (await journal.read({ from: 1, limit: 1000 })).map(({ type, chat, body }) => {
    const { error, message } = JSON.parse(body);
    return [chat, type, error, message?.params.text].filter((word) => word !== undefined).join(' ');
  });
const said = async () => (await lines()).filter((line) => line.includes('message.accepted'));
const standing = async (id: string) => {
  const record = await journal.conversation(id);
  return `${record?.machine} ${record?.version} ${record?.status} ${record?.state}`;
};

const NOT_LOADED = 'no chat runs shop: choose it for a kind of chat, or "keep" it';

describe('a deploy without the machine of conversations that wait', () => {
  test.each([
    ['another machine', without()],
    ['none', without({ unfit: 'quarantine' }, false)],
  ])('%s in its place: timers, answers and messages are held, and taken in order once it is back', async (_, table) => {
    await begin();
    const request = await oldestRequest(journal);
    const router = routerOf(journal, table);
    expect(await router.answerRequest(request, { output: 'yes' })).toBe(true);
    await clock.advance(60_000);
    expect(await router.fireTimers()).toBe(1);
    await router.receiveUpdates([textUpdate(2, 'anyone?'), textUpdate(3, 'anyone?')], 2);
    expect(await said()).toEqual([]);
    expect(await standing('2')).toBe('shop 1 quarantined "deciding"');
    expect(await lines()).toContain(`3 chat.quarantined ${NOT_LOADED}`);

    journal = openJournal(folder, clock);
    await sweepAll(journal, tableOf(first));
    // A chat without a machine has no conversation for its messages.
    const answers = table.forKind('private') === null ? 0 : 1;
    expect((await said()).filter((line) => line.startsWith('2'))).toEqual(
      ['2 message.accepted too late', '2 message.accepted one 2'].slice(0, 1 + answers),
    );
    expect((await said()).filter((line) => line.startsWith('3'))).toEqual(
      ['3 message.accepted paid', '3 message.accepted one 2'].slice(0, 1 + answers),
    );
    expect([await standing('2'), await standing('3')]).toEqual([
      'shop 1 active "browsing"',
      'shop 1 active "browsing"',
    ]);
  });

  test('nothing comes meanwhile: the sweep holds them, and they go on where they were', async () => {
    await begin();
    expect(await sweepAll(journal, without())).toMatchObject({ quarantined: 2 });
    expect(await journal.timersOf('2')).toHaveLength(1);
    expect(await journal.requestsOf('3')).toHaveLength(1);
    await sweepAll(journal, tableOf(second));
    expect([await standing('2'), await standing('3')]).toEqual(['shop 2 active "deciding"', 'shop 2 active "paying"']);
    await clock.advance(60_000);
    expect(await routerOf(journal, tableOf(second)).fireTimers()).toBe(1);
    expect(await said()).toEqual(['2 message.accepted late']);
  });

  test('killed before its sweep has begun: what its messages and timers held goes on all the same', async () => {
    await begin();
    await sweepAll(journal, tableOf(first));
    await routerOf(journal, without()).receiveUpdates([textUpdate(2, 'anyone?')], 2);
    journal = openJournal(folder, clock);
    await sweepAll(journal, tableOf(first));
    expect(await standing('2')).toBe('shop 1 active "deciding"');
    expect(await said()).toEqual(['2 message.accepted one 2']);
  });

  test('a chat that stands still for a fault of its own waits for its retry', async () => {
    await begin();
    await journal.write(async (tx) => {
      const record = (await tx.conversations(['3'])).get('3');
      if (record !== undefined) tx.saveConversation({ ...record, status: 'quarantined', error: 'it broke' });
    });
    await sweepAll(journal, without());
    await sweepAll(journal, tableOf(first));
    expect(await standing('3')).toBe('shop 1 quarantined "paying"');
  });

  test('a group that is known to have moved, and was not told yet, holds up nobody', async () => {
    await begin();
    await journal.write(async (tx) => {
      const record = (await tx.conversations(['2'])).get('2');
      if (record !== undefined) tx.saveConversation({ ...record, id: '-5', chat: '-5' });
      tx.moveMessages('-5', '-1005');
    });
    await sweepAll(journal, without());
    await sweepAll(journal, tableOf(first));
    expect([await standing('-5'), await standing('3')]).toEqual(['shop 1 active "deciding"', 'shop 1 active "paying"']);
  });

  test('keep: it is run to its end by its own file, and what begins begins the other machine', async () => {
    await begin();
    const table = createMachineTable(
      { private: { machine: 'other', per: 'chat' }, group: null, channel: null },
      new Map<string, AnyStateMachine>([
        ['other', other],
        ['shop', first],
      ]),
    );
    expect(await sweepAll(journal, table)).toMatchObject({ quarantined: 0, restarted: 0 });
    await clock.advance(60_000);
    const router = routerOf(journal, table);
    expect(await router.fireTimers()).toBe(1);
    await router.receiveUpdates([textUpdate(2, 'hello'), textUpdate(4, 'hello')], 2);
    expect(await said()).toEqual([
      '2 message.accepted too late',
      '2 message.accepted one 2',
      '4 message.accepted other',
    ]);
  });

  test('restart: the user is told, what waited is taken back, and the next message begins the other machine', async () => {
    await begin();
    const table = without({ unfit: 'restart' });
    expect(await sweepAll(journal, table)).toMatchObject({ restarted: 2 });
    expect(await journal.nextTimerAt()).toBeNull();
    expect(await journal.openRequests(9)).toEqual([]);
    await routerOf(journal, table).receiveUpdates([textUpdate(2, 'hello')], 2);
    expect((await said()).filter((line) => line.startsWith('2'))).toEqual([
      '2 message.accepted begin again',
      '2 message.accepted other',
    ]);
    expect(await standing('2')).toBe('other 1 active "there"');
  });
});
