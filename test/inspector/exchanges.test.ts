import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createExchanges, SENDERS } from '../../src/inspector/exchanges.ts';
import type { FeedItem } from '../../src/inspector/feed-items.ts';
import { limits } from '../../src/limits.ts';

const actor = (systemId: string) => ({ systemId, src: systemId, sessionId: systemId }) as never;
const ingress = actor('ingress');
const child = { src: 'poll', _parent: ingress } as never;
const sent = (type: string, fields: object = {}, to = actor('conversations'), from?: never) =>
  ({ type: '@xstate.event', rootId: 'x:0', actorRef: to, sourceRef: from, event: { type, ...fields } }) as never;
const stands = (value: string) =>
  ({
    ...{ type: '@xstate.snapshot', rootId: 'x:0', actorRef: ingress, event: { type: 'polled' } },
    snapshot: {
      status: 'active',
      value,
      context: { offset: 7, batch: { updates: Array(100).fill({ update_id: 1 }) } },
    },
  }) as never;

test('a thousand alike events of a moment are one item, with what they carried together', () => {
  const exchanges = createExchanges();
  const updates = Array.from({ length: 100 }, (_, n) => ({ update_id: n, message: { text: 'x'.repeat(5000) } }));
  for (let n = 0; n < 1000; n += 1) exchanges.note(sent('updates.received', { updates, reply: { resolve() {} } }), n);
  const items = exchanges.items(0);
  expect(items).toMatchObject([
    {
      kind: 'exchange',
      from: 'ingress',
      to: 'conversations',
      label: 'updates.received',
      count: 1000,
      carried: 100_000,
    },
  ]);
  expect(JSON.stringify(items).length).toBeLessThan(2000);
  expect(exchanges.items(0)).toEqual([]);
});

test('a promise of an actor stands for whom it asks: a poll is asked of Telegram, and answered by it', () => {
  const exchanges = createExchanges();
  exchanges.note(sent('xstate.init', {}, child, ingress), 0);
  exchanges.note(sent('xstate.done.actor.0.poller.polling', { output: { updates: [] } }, ingress, child), 0);
  exchanges.note(sent('xstate.after.backoff.poller.backingOff', {}, ingress, ingress), 0);
  exchanges.note(sent('messages.queued', {}, actor('outbox')), 0);
  expect(exchanges.items(0).map((item: FeedItem) => Object(item))).toMatchObject([
    { from: 'ingress', to: 'telegram', label: 'poll' },
    { from: 'telegram', to: 'ingress', label: 'poll done' },
    { from: 'ingress', to: 'ingress', label: 'after backoff' },
    { from: 'journal', to: 'outbox', label: 'messages.queued' },
  ]);
});

test('states that an actor goes through in a moment are told each once, with its newest context, shortened', () => {
  const exchanges = createExchanges();
  for (const value of ['polling', 'committing', 'polling', 'committing', 'polling']) exchanges.note(stands(value), 0);
  expect(exchanges.items(0)).toMatchObject([
    {
      kind: 'state',
      actor: 'ingress',
      state: 'polling',
      count: 3,
      context: { offset: 7, batch: { updates: expect.arrayContaining(['… 97 more']) } },
    },
    { kind: 'state', actor: 'ingress', state: 'committing', count: 2 },
  ]);
});

test('kinds have a bound: beyond it they are counted', () => {
  const exchanges = createExchanges();
  for (let n = 0; n < limits.feedKindsMax + 5; n += 1) exchanges.note(sent(`kind.${n}`), 0);
  expect(exchanges.items(0).at(-1)).toMatchObject({ kind: 'skipped', count: 5 });
});

test('every event that no actor sends has a sender on the diagram', () => {
  const wiring = readFileSync(join(import.meta.dirname, '..', '..', 'src', 'system.ts'), 'utf8');
  const sent = new Set([...wiring.matchAll(/\{ type: '([a-z]+\.[a-z]+)'/g)].map(([, type]) => type));
  expect([...sent].sort()).toEqual(Object.keys(SENDERS).sort());
});
