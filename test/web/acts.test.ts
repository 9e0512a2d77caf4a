import { expect, test } from 'vitest';
import { createActs, type Entry } from '../../src/web/sandbox/acts.ts';

/** Entries as they come, with seqs of their own; those of one unit of work have one time. */
function put(entries: readonly (Omit<Entry, 'seq' | 'at'> & { readonly at?: string; readonly type: string })[]) {
  const held = createActs();
  for (const [i, entry] of entries.entries()) held.add({ at: '1', ...entry, seq: i + 1 });
  return held.acts.map(({ cause, told, sendings, messages }) => ({
    cause: cause?.seq ?? null,
    told: told.map(({ seq }) => seq),
    sendings: sendings.map(({ accepted, fate }) => [accepted?.seq ?? null, fate?.type ?? null]),
    messages: [...messages],
  }));
}

const update = (message_id: number) => ({ type: 'update.received', update: { update_id: 1, message: { message_id } } });
const accepted = (id: string) => ({ type: 'message.accepted', message: { id } });
const fate = (what: string, id: string, telegram_message_id?: number) => ({
  ...{ type: `message.${what}`, at: '9' },
  message: { id, telegram_message_id },
});

test('what one update led to is one act, also among others of the same unit of work; fates find their message', () => {
  expect(
    put([
      ...[update(5), accepted('a'), { type: 'chat.moved' }],
      ...[update(6), accepted('b'), accepted('c')],
      ...[fate('sent', 'b', 8), fate('sent', 'a', 7), fate('failed', 'c')],
    ]),
  ).toEqual([
    { cause: 1, told: [3], sendings: [[2, 'message.sent']], messages: [5, 7] },
    {
      cause: 4,
      told: [],
      sendings: [
        [5, 'message.sent'],
        [6, 'message.failed'],
      ],
      messages: [6, 8],
    },
  ]);
});

test('an unknown message that is resolved has its last word; a press and an edit are about their message', () => {
  const press = { type: 'update.received', update: { callback_query: { data: 'x', message: { message_id: 3 } } } };
  const edit = { type: 'update.received', update: { update_id: 2, edited_message: { message_id: 4 } } };
  expect(put([press, accepted('a'), fate('unknown', 'a'), edit, fate('sent', 'a')])).toEqual([
    { cause: 1, told: [], sendings: [[2, 'message.sent']], messages: [3] },
    { cause: 4, told: [], sendings: [], messages: [4] },
  ]);
});

test('what an aggregator posts stands for itself, and so does a fate whose message is of before', () => {
  expect(
    put([update(5), { ...accepted('a'), at: '2' }, { type: 'chat.quarantined', at: '3' }, fate('sent', 'old', 2)]),
  ).toEqual([
    { cause: 1, told: [], sendings: [], messages: [5] },
    { cause: null, told: [], sendings: [[2, null]], messages: [] },
    { cause: null, told: [3], sendings: [], messages: [] },
    { cause: null, told: [], sendings: [[null, 'message.sent']], messages: [] },
  ]);
});

test('the oldest of many acts go, and fates that come for them are told all the same', () => {
  const acts = put([
    ...Array.from({ length: 600 }, (_, i) => [update(i), accepted(`m${i}`)]).flat(),
    fate('sent', 'm0', 1),
  ]);
  expect(acts).toHaveLength(500);
  expect(acts.at(-1)).toEqual({ cause: null, told: [], sendings: [[null, 'message.sent']], messages: [] });
  expect(acts.at(-2)).toMatchObject({ messages: [599] });
});
