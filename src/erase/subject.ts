import { type Entry, isErased, type Journal, lengthOf } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { type EntryFound, findInEntry } from './found.ts';
import { ACTORS, hasId, type Ids } from './redact.ts';

export type SubjectJournal = Pick<Journal, 'formerChats' | 'erasing' | 'read' | 'bounds'>;

/** The chat's id, and those that it had before: a group that became a supergroup had another. */
export function idsOf(journal: Pick<Journal, 'formerChats'>, chat: string): readonly string[] {
  const ids = [chat];
  for (const id of ids) ids.push(...journal.formerChats(id).filter((former) => !ids.includes(former)));
  return ids;
}

/** What a part of the journal has of a chat. `through`: the last seq that was looked at. */
export interface PartFound {
  readonly found: readonly EntryFound[];
  readonly through: number;
}

/** Looks through the entries from a seq on, up to another, part by part. */
export async function* findInEntries(
  journal: SubjectJournal,
  ids: readonly string[],
  from: number,
  to: number,
): AsyncGenerator<PartFound> {
  const set = new Set(ids);
  for (let next = from; next <= to; ) {
    const { entries, through } = await journal.erasing.entriesWith(ids, next, to);
    const found = entries.flatMap((entry) => findInEntry(entry, set) ?? []);
    const answers = await answersTo(journal, found, set, to);
    yield {
      found: [...found, ...answers.filter(({ entry }) => found.every((one) => one.entry.seq !== entry.seq))],
      through,
    };
    next = through + 1;
  }
}

/** How long after a press of a button its answer is looked for: Telegram takes none that comes later. */
const ANSWER_MS = 15 * 60_000;

/**
 * What the bot answered to queries of theirs, as to a press of a button: such a call is addressed to no chat (its entry has
 * the chat 0), and names the query alone.
 */
async function answersTo(
  journal: SubjectJournal,
  found: readonly EntryFound[],
  ids: Ids,
  to: number,
): Promise<EntryFound[]> {
  const asked = found.filter(({ isOwn }) => isOwn).flatMap(({ entry }) => queryOf(entry, ids) ?? []);
  const [first, last] = [asked[0], asked.at(-1)];
  if (first === undefined || last === undefined) return [];
  const queries = new Set(asked.map(({ query }) => query));
  const answers: EntryFound[] = [];
  for (let from = first.seq; from <= to; ) {
    const page = await journal.read({
      ...{ from, to, limit: limits.readEntriesMax, lengthMax: limits.eraseLookLength },
      ...{ chats: ['0'], types: ['message.accepted'] },
    });
    const end = page.at(-1);
    for (const entry of page) {
      if (isErased(entry)) continue;
      const { message } = JSON.parse(entry.body);
      const isAnswer = Object.entries(Object(message.params)).some(
        ([name, value]) => name.endsWith('_query_id') && queries.has(String(value)),
      );
      if (isAnswer) answers.push({ entry, isOwn: true, parts: [], body: '{"erased":true}' });
    }
    const isShort =
      page.length < limits.readEntriesMax && page.reduce((sum, one) => sum + lengthOf(one), 0) < limits.eraseLookLength;
    if (end === undefined || isShort || end.at > last.at + ANSWER_MS) return answers;
    from = end.seq + 1;
  }
  return answers;
}

/** The id of the query that an update brings; null: it brings none. */
function queryOf({ seq, at, type, body }: Entry, ids: Ids): { query: string; seq: number; at: number } | null {
  if (type !== 'update.received') return null;
  const contents = Object.values(Object(JSON.parse(body).update)).map((content) => Object(content));
  const asked = contents.find(
    ({ id, ...content }) => typeof id === 'string' && ACTORS.some((name) => hasId(content[name], ids)),
  );
  return asked === undefined ? null : { query: asked.id, seq, at };
}
