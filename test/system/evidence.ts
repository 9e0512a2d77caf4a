import { expect } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { entryText, eventId } from '../../src/operators/operators.ts';
import type { Operator } from './operator.ts';

/** What users wrote in one chat, in their order. */
export interface Written {
  readonly updateId: number;
  readonly text: string;
}

/** A message of a chat as its user sees it. */
export interface Shown {
  readonly message_id: number;
  readonly text: string;
  readonly from: { readonly is_bot: boolean };
}

/** The whole journal, its entries' bodies parsed. */
export async function readAll(journal: Journal) {
  const { head } = journal.bounds();
  const entries: Awaited<ReturnType<Journal['read']>> = [];
  while (entries.length < head) {
    const page = await journal.read({ from: entries.length + 1, limit: 1000 });
    if (page.length === 0) break;
    entries.push(...page);
  }
  return entries.map((entry) => ({ ...entry, fields: JSON.parse(entry.body) }));
}
export type ParsedEntry = Awaited<ReturnType<typeof readAll>>[number];

/** I4: the operator saw every entry from 1 to the head, in order, once, as the journal holds it. */
export function expectSeenWhole(operator: Operator, journal: Journal, entries: readonly ParsedEntry[]): void {
  expect(
    firstDifference(
      entries.map(({ seq }) => seq),
      entries.map((_, i) => i + 1),
    ),
  ).toBeNull();
  const held = entries.map((entry) => `${eventId(journal.stream, entry.seq)} ${entry.type} ${entryText(entry)}`);
  const saw = operator.entries.map(({ id, type, data }) => `${id} ${type} ${data}`);
  expect(firstDifference(saw, held)).toBeNull();
  expect(new Set(operator.controls.map(({ type }) => type))).toEqual(new Set(['stream.hello']));
}

/**
 * I1, I2, I3: the chat's updates are journalled once, and were applied once, in their order: the echo's count and its
 * replies tell.
 */
export async function expectAppliedOnce(
  chat: number,
  written: readonly Written[],
  journal: Journal,
  entries: readonly ParsedEntry[],
): Promise<void> {
  const ofChat = entries.filter((entry) => entry.chat === String(chat));
  const updates = ofChat.flatMap(({ type, fields }) => (type === 'update.received' ? fields.update.update_id : []));
  const updateIds = written.map(({ updateId }) => updateId);
  expect({ chat, updates: firstDifference(updates, updateIds) }).toEqual({ chat, updates: null });
  const replies = ofChat.flatMap(({ type, fields }) => (type === 'message.accepted' ? fields.message.params.text : []));
  const echoes = written.map(({ text }, heard) => `${heard} ${text}`);
  expect({ chat, replies: firstDifference(replies, echoes) }).toEqual({ chat, replies: null });
  const record = await journal.conversation(String(chat));
  expect(JSON.parse(record?.snapshot ?? 'null')).toMatchObject({ context: { heard: written.length } });
}

/**
 * I5: each message of the chat has one fate: `sent`, and the user sees it once, as the message that it says; or
 * `unknown`, and the user sees it at most once. The user sees them in order, and nothing else.
 * Returns how many are unknown, and how many of those the user sees.
 */
export function expectSentOnce(chat: number, entries: readonly ParsedEntry[], transcript: readonly Shown[]) {
  const shown = transcript.filter(({ from }) => from.is_bot);
  const texts = shown.map(({ text }) => text);
  const doubled = texts.filter((text, i) => texts.indexOf(text) !== i);
  expect({ chat, doubled }).toEqual({ chat, doubled: [] });
  const places = texts.map((text) => Number(text.split(' ')[0]));
  expect({ chat, places }).toEqual({ chat, places: places.toSorted((a, b) => a - b) });

  const shownAs = new Map(shown.map(({ text, message_id }) => [text, message_id]));
  const fates = new Map<string, string[]>();
  const accepted = new Map<string, string>();
  let unknown = 0;
  let unknownButShown = 0;
  for (const { type, chat: of, fields } of entries) {
    if (of !== String(chat) || !type.startsWith('message.')) continue;
    const { id, params, telegram_message_id } = fields.message;
    if (type === 'message.accepted') {
      accepted.set(id, params.text);
      fates.set(id, []);
      continue;
    }
    fates.get(id)?.push(type);
    const seenAs = shownAs.get(accepted.get(id) ?? '');
    if (type === 'message.sent') {
      expect({ id, telegram_message_id }).toEqual({ id, telegram_message_id: seenAs });
    } else if (type === 'message.unknown') {
      unknown += 1;
      if (seenAs !== undefined) unknownButShown += 1;
    }
  }
  for (const [id, fate] of fates) {
    expect({ id, fate: ['message.sent', 'message.unknown'].includes(fate.join()) ? 'one' : fate }).toEqual({
      id,
      fate: 'one',
    });
  }
  const asked = new Set(accepted.values());
  expect(texts.filter((text) => !asked.has(text))).toEqual([]);
  return { unknown, unknownButShown };
}

/** The first place where two lists differ; null where they are the same. */
function firstDifference(got: readonly unknown[], wanted: readonly unknown[]) {
  for (let i = 0; i < Math.max(got.length, wanted.length); i += 1) {
    if (got[i] !== wanted[i]) return { i, got: got[i], wanted: wanted[i] };
  }
  return null;
}
