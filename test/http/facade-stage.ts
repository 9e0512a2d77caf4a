import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/schema.ts';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import type { NewKey, Role } from '../../src/keys/keys.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { type Json, type Started, start } from '../sandbox/start.ts';
import { temporaryFolder } from '../support/journal.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
/** As fast as the sandbox takes them. */
const RATES = {
  chatPerS: 1000,
  chatBurst: 1000,
  groupPerMin: 60_000,
  groupBurst: 1000,
  overallPerS: 1000,
  overallBurst: 1000,
};

/** The whole of Switchboard before a sandbox, in this process. No conversation says anything by itself, unless it `talks`. */
export interface FacadeStage {
  readonly url: string;
  /** The api-root that Bot API clients are given. */
  readonly apiRoot: string;
  /** The sandbox behind it, and short ways to be a user there. */
  readonly telegram: Started;
  /** A new key's text. */
  key(role: Role, fields?: Partial<NewKey>): string;
  revoke(key: string): void;
  /** Calls a method as JSON with a key; gives Telegram's answer, whatever it is. */
  call(key: string, method: string, params?: object): Promise<Json>;
}

export async function startFacade({
  rates = {} as Partial<Settings['outbox']>,
  talks = false,
} = {}): Promise<FacadeStage> {
  const telegram = await start();
  const folder = temporaryFolder();
  const settings = loadSettings(CONFIG, {
    ...{ TELEGRAM_BOT_TOKEN: telegram.token, TELEGRAM_API_ROOT: telegram.sandbox.url },
    ...{ SWITCHBOARD_DATA: folder, SWITCHBOARD_PORT: '0' },
  });
  const running = await startSwitchboard(
    {
      ...settings,
      ...(talks ? {} : { conversations: { private: null, group: null, channel: null } }),
      outbox: { ...settings.outbox, ...RATES, ...rates },
    },
    createLog('silent', process.stdout),
  );
  const db = openDatabase(folder);
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  onTestFinished(async () => {
    await running.stop();
    keyring.close();
    db.close();
  });
  const apiRoot = `${running.url}/telegram`;
  return {
    ...{ url: running.url, apiRoot, telegram },
    key: (role, fields) => keyring.create({ role, name: role, chats: null, expiresAt: null, ...fields }).text,
    revoke: (key) => void keyring.revoke(key.split(':')[0] ?? ''),
    async call(key, method, params) {
      const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(params) };
      const response = await fetch(`${apiRoot}/bot${key}/${method}`, params === undefined ? {} : json);
      const answer: Json = await response.json();
      if (!answer.ok && answer.error_code !== response.status) throw new Error('error_code is not the HTTP status');
      return answer;
    },
  };
}
