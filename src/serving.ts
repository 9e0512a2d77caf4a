import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Settings } from '../config/schema.ts';
import type { Act, Actor } from './audit/audit.ts';
import { createSqliteAuditStore } from './audit/sqlite.ts';
import { systemClock } from './clock.ts';
import { requireData } from './journal/data-folder.ts';
import type { Journal } from './journal/journal.ts';
import { openSqliteJournal } from './journal/sqlite.ts';
import { holdDataFolder, openAgain, openDatabase, openReader, urlOfHolder } from './journal/sqlite-open.ts';
import { openSqliteReader } from './journal/sqlite-reader.ts';
import { createKeyring } from './keys/keyring.ts';
import { createSqliteKeyStore } from './keys/sqlite.ts';
import { limits } from './limits.ts';
import { botOfToken, SANDBOX_TOKEN } from './telegram/telegram.ts';
import { UsageError } from './usage.ts';

const Problem = Compile(Type.Object({ detail: Type.String() }));

/** The process that serves a data folder, asked by its addresses. */
export interface Server {
  /** The answer's JSON. Throws UsageError with what it refused, Error where it failed. */
  call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown>;
  /** The answer as it comes, however long that takes. Throws as `call`. */
  stream(path: string): AsyncIterable<Uint8Array>;
}

export type Note = (act: Act, subject: string | null, detail?: Readonly<Record<string, unknown>> | null) => void;

/** Notes in the audit log what a command does. Give it the keys' connection, or one of its own. */
export function noteOfCommand(db: DatabaseSync): Note {
  const audit = createSqliteAuditStore(db);
  const actor: Actor = { keyId: null, name: osUser(), origin: 'command line' };
  return (act, subject, detail = null) => audit.add({ act, ...actor, subject, detail }, systemClock.now(), 1);
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** What a command does with a data folder, whether or not a process serves it. */
export interface Ways<T> {
  /** The command's name, for the key that it makes to ask the server. */
  readonly name: string;
  readonly served: (server: Server) => T;
  /** `note` tells the audit log what was done. */
  readonly unserved: (journal: Journal, note: Note) => T;
}

/**
 * Opens a data folder for a command. The journal has one writer: while a process serves the folder it is asked, with an
 * admin key that is gone when the command is; else this process holds the folder meanwhile. Throws data_held.
 */
export function openServed<T>(settings: Settings, ways: Ways<T>): { readonly use: T; close(): Promise<void> } {
  requireData(settings.data);
  const db = openDatabase(settings.data);
  try {
    const url = urlOfHolder(settings.data, db);
    return url === null ? holdFolder(settings, db, ways) : askServer(url, db, ways);
  } catch (error) {
    db.close();
    throw error;
  }
}

function askServer<T>(url: string, db: DatabaseSync, { name, served }: Ways<T>) {
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  const make = () => {
    const expiresAt = systemClock.now() + limits.commandWaitMs * 2;
    return {
      ...keyring.create({ role: 'admin', name: `${name} (${osUser()})`, chats: null, expiresAt }),
      until: expiresAt - limits.commandWaitMs,
    };
  };
  let made = make();

  /** A command may go on for longer than a key that it leaves behind, if it is killed, should last. */
  function renewed(): string {
    if (systemClock.now() < made.until) return made.text;
    keyring.forget(made.key.id);
    made = make();
    return made.text;
  }

  async function ask(method: string, path: string, signal: AbortSignal | null, body?: object): Promise<Response> {
    const headers = { authorization: `Bearer ${renewed()}`, ...(body && { 'content-type': 'application/json' }) };
    const response = await fetch(url + path, { method, headers, signal, ...(body && { body: JSON.stringify(body) }) });
    if (response.ok) return response;
    const answer: unknown = await response.json();
    const detail = Problem.Check(answer) ? answer.detail : `${url} answered ${response.status}`;
    throw response.status < 500 ? new UsageError(detail) : new Error(detail);
  }
  const server: Server = {
    async call(method, path, body) {
      return (await ask(method, path, AbortSignal.timeout(limits.commandWaitMs), body)).json();
    },
    async *stream(path) {
      const { body } = await ask('GET', path, null);
      if (body !== null) yield* body;
    },
  };
  return {
    use: served(server),
    async close() {
      keyring.forget(made.key.id);
      keyring.close();
      db.close();
    },
  };
}

function holdFolder<T>(settings: Settings, db: DatabaseSync, { unserved }: Ways<T>) {
  const bot = botOfToken(settings.telegram.token ?? SANDBOX_TOKEN);
  if (bot === null) throw new TypeError('The settings let a malformed token through');
  // The schema is of today by now; where there is nothing of this bot, no journal is begun.
  openSqliteReader(settings.data, bot).close();
  const held = holdDataFolder(settings.data, db, systemClock.now());
  const reader = openReader(settings.data);
  const newStreamId = () => randomBytes(6).toString('hex');
  const journal = openSqliteJournal({ db, reader, bot, newStreamId, clock: systemClock });
  // The journal may be in the middle of a transaction on its own connection.
  const auditDb = openAgain(settings.data);
  const note = noteOfCommand(auditDb);
  return {
    use: unserved(journal, note),
    async close() {
      await journal.close();
      auditDb.close();
      reader.close();
      held.release();
      db.close();
    },
  };
}
