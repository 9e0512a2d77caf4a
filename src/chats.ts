import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Static } from 'typebox';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Settings } from '../config/schema.ts';
import { systemClock } from './clock.ts';
import { loadMachineTable } from './conversations/files.ts';
import { createRouter } from './conversations/router.ts';
import { SwitchboardError } from './errors.ts';
import { ChatView, chatView } from './http/chat-view.ts';
import { requireData } from './journal/data-folder.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import { holdDataFolder, openDatabase, openReader, urlOfHolder } from './journal/sqlite-open.ts';
import { openSqliteReader } from './journal/sqlite-reader.ts';
import { createKeyring } from './keys/keyring.ts';
import { createSqliteKeyStore } from './keys/sqlite.ts';
import { limits } from './limits.ts';
import { botOfToken, SANDBOX_TOKEN } from './telegram/telegram.ts';
import { joinChatIds, parse, UsageError } from './usage.ts';

const MACHINES = join(import.meta.dirname, '..', 'machines');

type Chat = Static<typeof ChatView>;
const Page = Compile(Type.Object({ chats: Type.Array(ChatView), next: Type.Union([Type.String(), Type.Null()]) }));
const One = Compile(ChatView);
const Problem = Compile(Type.Object({ detail: Type.String() }));

interface ListArgs {
  readonly quarantined: boolean;
  readonly after: string | null;
  readonly limit: number;
}

/** The conversations of a data folder, whoever serves it. */
interface Chats {
  page(args: ListArgs): Promise<{ readonly chats: readonly Chat[]; readonly next: string | null }>;
  retry(id: string): Promise<Chat>;
  close(): Promise<void>;
}

/**
 * `switchboard chats`: lists conversations, a JSON object a line, and retries one. The journal has one writer, so that
 * where a process serves the data folder it is asked, by the same addresses as an admin uses; where nobody does, this
 * process holds the folder meanwhile. Returns the exit code: 1 where the retried chat stands still again.
 */
export async function chats(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  tell: (line: string) => void,
): Promise<number> {
  const [action, id, ...more] = args;
  const retried = action === 'retry' ? id : undefined;
  if (action === 'retry' && (id === undefined || more.length > 0))
    throw new UsageError('chats retry takes the ID of a chat');
  const wanted = action === 'retry' ? null : listArgs(args);
  const open = await openChats(settings);
  try {
    if (retried === undefined) return await list(open, wanted ?? listArgs([]), print, tell);
    const chat = await open.retry(retried);
    print(lineOf(chat));
    return chat.status === 'quarantined' ? 1 : 0;
  } finally {
    await open.close();
  }
}

function listArgs(args: readonly string[]): ListArgs {
  const { values } = parse({
    args: joinChatIds(args, 'after'),
    options: { status: { type: 'string' }, after: { type: 'string' }, limit: { type: 'string', default: '100' } },
  });
  if (values.status !== undefined && values.status !== 'quarantined') {
    throw new UsageError(`--status ${values.status}: it can be quarantined`);
  }
  const limit = /^\d{1,9}$/.test(values.limit) ? Number(values.limit) : 0;
  if (limit < 1) throw new UsageError(`--limit ${values.limit}: a whole number from 1`);
  return { quarantined: values.status !== undefined, after: values.after ?? null, limit };
}

/** Page by page, so that memory holds one however many chats there are. */
async function list(open: Chats, args: ListArgs, print: (line: string) => void, tell: (line: string) => void) {
  let printed = 0;
  for (let after = args.after; ; ) {
    const limit = Math.min(args.limit - printed, limits.pageSizeMax);
    const { chats, next } = await open.page({ ...args, after, limit });
    for (const chat of chats) print(lineOf(chat));
    printed += chats.length;
    if (next === null) return 0;
    if (printed >= args.limit) {
      tell(`${printed} chats; there may be more: --after ${next}`);
      return 0;
    }
    if (printed % 10_000 === 0) tell(`${printed} chats so far`);
    after = next;
  }
}

const lineOf = ({ id, machine, version, state, status, error }: Chat): string =>
  JSON.stringify({ id, machine, version, state, status, error });

async function openChats(settings: Settings): Promise<Chats> {
  requireData(settings.data);
  const db = openDatabase(settings.data);
  try {
    const url = urlOfHolder(settings.data, db);
    return url === null ? holdFolder(settings, db) : askServer(url, db);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Through the process that serves the folder, with a key of its own: made for this command, and gone with it. */
function askServer(url: string, db: ReturnType<typeof openDatabase>): Chats {
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  const expiresAt = systemClock.now() + limits.commandWaitMs;
  const { key, text } = keyring.create({ role: 'admin', name: 'switchboard chats', chats: null, expiresAt });

  async function call(method: string, path: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${text}` };
    const response = await fetch(url + path, { method, headers, signal: AbortSignal.timeout(limits.commandWaitMs) });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    const detail = Problem.Check(answer) ? answer.detail : `${url} answered ${response.status}`;
    throw response.status < 500 ? new UsageError(detail) : new Error(detail);
  }
  return {
    async page({ quarantined, after, limit }) {
      const query = new URLSearchParams({ limit: String(limit) });
      if (after !== null) query.set('after', after);
      if (quarantined) query.set('status', 'quarantined');
      return Page.Parse(await call('GET', `/v1/chats?${query}`));
    },
    retry: async (id) => One.Parse(await call('POST', `/v1/chats/${encodeURIComponent(id)}/retry`)),
    async close() {
      keyring.forget(key.id);
      keyring.close();
      db.close();
    },
  };
}

/** Nobody serves the folder: the journal is this process's until it closes. Throws data_held. */
function holdFolder(settings: Settings, db: ReturnType<typeof openDatabase>): Chats {
  const bot = botOfToken(settings.telegram.token ?? SANDBOX_TOKEN);
  if (bot === null) throw new TypeError('The settings let a malformed token through');
  // The schema is of today by now; where there is nothing of this bot, no journal is begun.
  openSqliteReader(settings.data, bot).close();
  const held = holdDataFolder(settings.data, db, systemClock.now());
  const reader = openReader(settings.data);
  const newStreamId = () => randomBytes(6).toString('hex');
  const journal = openSqliteJournal({ db, reader, bot, newStreamId, clock: systemClock });
  return {
    async page({ quarantined, after, limit }) {
      const wanted = { after, limit, chats: null };
      const records = await (quarantined ? journal.quarantined(wanted) : journal.conversations(wanted));
      return { chats: records.map(chatView), next: records.length < limit ? null : (records.at(-1)?.id ?? null) };
    },
    async retry(id) {
      const machines = await loadMachineTable(settings.conversations, MACHINES, settings.machines);
      try {
        return chatView(await createRouter({ journal, machines, username: () => null }).retry(id));
      } catch (error) {
        if (error instanceof SwitchboardError && error.entry.status !== undefined) throw new UsageError(error.message);
        throw error;
      }
    },
    async close() {
      await journal.close();
      reader.close();
      held.release();
      db.close();
    },
  };
}
