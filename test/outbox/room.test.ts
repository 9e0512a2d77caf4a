import { expect, test } from 'vitest';
import { createMachineTable } from '../../src/conversations/machines.ts';
import type { Commit, Journal } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { createRoom } from '../../src/outbox/room.ts';
import { createSystem } from '../../src/system.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { textUpdate } from '../support/updates.ts';
import { NO_UPLOADS } from '../support/uploads.ts';

test('what makes conversations write waits while there is no room, and goes on once there is', async () => {
  const room = createRoom(9, 10);
  await room.free();
  expect(() => room.require()).not.toThrow();
  room.note(10);
  expect(() => room.require()).toThrow('10 messages wait already');
  let went = 0;
  const both = Promise.all([1, 2].map(() => room.free().then(() => (went += 1))));
  room.note(10);
  await settle();
  expect(went).toBe(0);
  room.note(9);
  await both;
});

test('a full outbox: the poller stores no update and confirms none, Telegram keeps them; it goes on by itself', async () => {
  const clock = manualClock();
  const real = openJournal(temporaryFolder(), clock);
  const listeners: ((commit: Commit) => void)[] = [];
  let full = true;
  const tell = (commit: Commit) => {
    for (const listener of listeners) listener({ ...commit, messages: full ? FULL : commit.messages });
  };
  real.onCommit(tell);
  const journal: Journal = {
    ...real,
    outboxDepth: async () => FULL,
    onCommit: (listener) => void listeners.push(listener),
  };
  const polls: unknown[] = [];
  const system = await createSystem({
    ...{
      journal,
      clock,
      provenNow: clock.now,
      random: () => 0.5,
      log: createLog('silent', process.stdout),
      uploads: NO_UPLOADS,
    },
    api: {
      async call(method, params) {
        if (method === 'getMe') return { id: 1, is_bot: true, first_name: 'Bot', username: 'bot' };
        polls.push(params.offset);
        return polls.length === 1 ? [textUpdate(7, 'hello', 5)] : new Promise(() => {});
      },
      close: async () => {},
    },
    backend: { ask: () => Promise.reject(new Error('nobody asks')), close: async () => {} },
    machines: createMachineTable({ private: null, group: null, channel: null }, new Map()),
    ...{
      pollTimeoutS: 1,
      deleteWebhook: false,
      backendTries: { timeoutMs: 1000, attemptsMax: 1, deadlineMs: 1000, backoffMaxMs: 1000 },
      onRefused: () => {},
    },
    rates: { chatPerS: 1, chatBurst: 1, groupPerMin: 20, groupBurst: 1, overallPerS: 30, overallBurst: 30 },
  });
  system.start();
  await settle();
  expect([polls, real.bounds().head]).toEqual([[undefined], 0]);
  const ingress = () => system.status.getSnapshot().context.parts.ingress;
  expect(ingress()).toMatchObject({ state: 'degraded', detail: expect.stringContaining('The outbox is full') });
  const event = { conversation: '7', keyId: 'k', idempotencyKey: 'i', chats: null, event: { type: 'order.shipped' } };
  await expect(system.conversations.postEvent(event)).rejects.toMatchObject({ code: 'outbox_full' });

  full = false;
  await real.write(async (tx) => tx.append({ type: 'event.received', chat: null, body: '{}' }));
  await settle();
  expect([polls, real.bounds().head]).toEqual([[undefined, 6], 2]);
  expect(ingress()).toEqual({ state: 'up', detail: null });
  await system.stop();
});

const FULL = limits.outboxMessagesMax + limits.outboxRepliesMax;
