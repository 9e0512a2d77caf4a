import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Clock } from './clock.ts';
import { errorText, isFileMissing } from './errors.ts';
import { limits } from './limits.ts';
import { closingCommand } from './private-files.ts';
import { TelegramRefused } from './telegram/errors.ts';
import type { BotApi } from './telegram/telegram.ts';

export interface DoctorOptions {
  /** Null: no token, sandbox mode. */
  readonly api: BotApi | null;
  readonly clock: Clock;
  readonly folder: string;
  /** A start takes a webhook away. */
  readonly deleteWebhook: boolean;
  /**
   * Opens the database for writing; who serves the folder now, null where nobody does. Null: there is no database yet, and
   * none is made.
   */
  readonly openData: () => { readonly holder: string | null; readonly keys: number } | null;
  /** Files with users' texts or secrets that other users of the machine may read. */
  readonly exposed: () => readonly string[];
  /** What plainHttpWarning says. */
  readonly plainHttp: string | null;
  /** Reads the whole database; what is wrong with it, at most some lines. Null: it takes too long. */
  readonly checkData: () => Promise<readonly string[] | null>;
  /** Telegram's own time by its Date header, ms since 1970; null where it cannot be had. */
  readonly telegramTime: () => Promise<number | null>;
}

export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail' | 'skip';
  /** What was found, and what to do where it is wrong. */
  readonly says: string;
}

/** Below this, SQLite's log and the journal soon have no room. */
const FREE_MIN_MIB = 200;
/** Beyond this, signatures with a time (backend requests, Mini Apps) are refused by those who check them. */
const CLOCK_OFF_MAX_MS = 60_000;
/** How long a rival is looked for: longer than another Switchboard stays away after a conflict. */
const RIVAL_LOOK_MS = limits.pollConflictDelayMs + 2000;
/** Between two looks at updates that wait. */
const RIVAL_PAUSE_MS = 1000;

/** Looks at everything that a start needs, a finding a check, in order. Confirms no update and changes nothing. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Finding> {
  const { api, clock, folder } = options;
  let holder: string | null = null;
  let hasData = false;
  yield await check('data', async () => {
    const data = options.openData();
    if (data === null) return `nothing in ${folder} yet: a start makes it in ${await writableAncestor(folder)}`;
    hasData = true;
    holder = data.holder;
    return `${folder} opens; ${data.holder === null ? 'nobody serves it' : `served by ${data.holder}`}`;
  });
  if (hasData) yield await check('damage', () => damageIn(options));
  else yield { name: 'damage', state: 'skip', says: 'there is no database to look at' };
  yield await check('private', async () => {
    const exposed = options.exposed();
    if (exposed.length === 0) return 'other users cannot read the data folder, nor secrets in local.json';
    throw new Error(`other users can use what they should not: ${closingCommand(exposed)}`);
  });
  yield await check('disk', async () => {
    const { bavail, bsize } = await statfs(await writableAncestor(folder));
    const mib = Math.floor((bavail * bsize) / 2 ** 20);
    if (mib < FREE_MIN_MIB) throw new Error(`${mib} MiB free: make room, at least ${FREE_MIN_MIB} MiB`);
    return `${mib} MiB free`;
  });
  yield await check('keys', async () => {
    const data = options.openData();
    // Where none can be made either, that is what is wrong.
    if (data === null) await writableAncestor(folder);
    const keys = data?.keys ?? 0;
    return keys === 0 ? 'none yet: make one with switchboard keys create' : `${keys} active`;
  });
  yield options.plainHttp === null
    ? { name: 'http', state: 'ok', says: 'on this machine only, or behind a proxy that is named' }
    : { name: 'http', state: 'warn', says: options.plainHttp };
  if (api === null) {
    for (const name of ['token', 'webhook', 'rival', 'clock']) {
      yield { name, state: 'skip', says: 'no TELEGRAM_BOT_TOKEN: Switchboard runs against its sandbox' };
    }
    return;
  }
  const token = await check('token', async () => {
    const me = await api.call('getMe', {}).catch((error: unknown) => {
      const refused = error instanceof TelegramRefused && (error.errorCode === 401 || error.errorCode === 404);
      throw refused ? new Error(`${error.message}: check TELEGRAM_BOT_TOKEN and TELEGRAM_API_ROOT`) : error;
    });
    const named = typeof me === 'object' && me !== null && 'username' in me ? `@${me.username}` : 'a bot';
    return `${named} answers`;
  });
  yield token;
  if (token.state === 'fail') {
    for (const name of ['webhook', 'rival', 'clock']) yield { name, state: 'skip', says: 'the bot does not answer' };
    return;
  }
  // Nobody polls while a webhook is set, nor need anybody be looked for where the folder's holder polls.
  let polls: string | null = holder === null ? null : `${holder} polls`;
  yield await check('webhook', async () => {
    const info = await api.call('getWebhookInfo', {});
    const url = typeof info === 'object' && info !== null && 'url' in info ? info.url : '';
    if (url === '') return 'none is set';
    polls = 'nobody can poll while a webhook is set';
    if (options.deleteWebhook) return 'one is set: start takes it away, as telegram.deleteWebhook says';
    throw new Error('one is set, so nobody can poll: remove it, or set telegram.deleteWebhook to true');
  });
  yield polls === null
    ? await check('rival', () => lookForRival(api, clock))
    : { name: 'rival', state: 'skip', says: `not looked for: ${polls}` };
  yield await check('clock', async () => {
    const theirs = await options.telegramTime();
    if (theirs === null) return 'Telegram did not tell its time';
    const off = clock.now() - theirs;
    if (Math.abs(off) > CLOCK_OFF_MAX_MS) throw new Error(`${Math.round(off / 1000)} s off: set the machine's clock`);
    return `within ${Math.ceil(Math.abs(off) / 1000)} s of Telegram's`;
  });
}

async function damageIn({ checkData, folder }: DoctorOptions): Promise<string> {
  const found = await checkData();
  if (found === null)
    return `not looked through to its end within ${limits.quickCheckMaxMs / 60_000} minutes: no damage so far`;
  const [first] = found;
  if (first === undefined) return 'none in the database';
  throw new Error(`the database in ${folder} is damaged (${first}): stop Switchboard, and restore a backup`);
}

/** The folder, or the nearest above it that is there. Throws if nothing can be made in it. */
async function writableAncestor(folder: string): Promise<string> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = await stat(at).catch((error: unknown) => {
      if (isFileMissing(error)) return null;
      throw error;
    });
    if (found === null) continue;
    if (!found.isDirectory()) throw new Error(`${at} is no folder`);
    await access(at, constants.W_OK);
    return at;
  }
}

async function check(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, state: 'ok', says: await look() };
  } catch (error) {
    return { name, state: 'fail', says: errorText(error).replace(/\s+/g, ' ') };
  }
}

/**
 * Polls for a while without an offset, which confirms nothing. A rival's poll ends ours with 409; where updates wait,
 * so that no poll lasts, a rival shows by taking them.
 */
async function lookForRival(api: BotApi, clock: Clock): Promise<string> {
  const until = clock.steadyNow() + RIVAL_LOOK_MS;
  let waits: unknown = null;
  for (let leftMs = RIVAL_LOOK_MS; leftMs > 0; leftMs = until - clock.steadyNow()) {
    const updates = await api.call('getUpdates', { limit: 1, timeout: Math.ceil(leftMs / 1000) }).catch(explained);
    const first: unknown = Array.isArray(updates) ? updates[0] : undefined;
    const id = typeof first === 'object' && first !== null && 'update_id' in first ? first.update_id : null;
    if (waits !== null && id !== waits) throw new Error(`somebody else took the updates that waited: ${ADVICE}`);
    if (id === null) return 'nobody else polls';
    waits = id;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, RIVAL_PAUSE_MS));
  }
  return 'updates wait, and nobody took them meanwhile';
}

const ADVICE = 'stop that process, or both lose updates';

function explained(error: unknown): never {
  if (!(error instanceof TelegramRefused) || error.errorCode !== 409) throw error;
  throw new Error(`somebody else polls this bot (${error.description}): ${ADVICE}`);
}
