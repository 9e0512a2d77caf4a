import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import type { NewKey, Role } from '../../src/keys/keys.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { freeEnv } from '../cli/support.ts';
import { makeOlderKey } from '../support/keys.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');

/** A whole Switchboard in this process, on its sandbox, with the inspector; and pretend users to move its chats. */
export async function startServed(env = freeEnv()) {
  const settings = loadSettings(CONFIG, { ...env, SWITCHBOARD_INSPECT: '1' });
  const running = await startSwitchboard(settings, createLog('silent', { write: () => {} }));
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= running.stop();
    return stopped;
  };
  onTestFinished(stop);
  const keysDb = openDatabase(settings.data);
  const keyring = createKeyring({
    store: createSqliteKeyStore(keysDb),
    ...{ clock: systemClock, randomBytes },
  });
  onTestFinished(() => keyring.close());
  const key = (role: Role, fields: Partial<NewKey> = {}) => {
    const made = makeOlderKey(keyring, keysDb, { role, name: role, chats: null, expiresAt: null, ...fields });
    return { id: made.key.id, text: made.text, header: { authorization: `Bearer ${made.text}` } };
  };
  const post = async (url: string, body: object): Promise<void> => {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
  };
  return {
    ...{ env, url: running.url, socketUrl: running.url.replace('http', 'ws'), stop, key, keyring },
    /** A pretend user writes to the bot. */
    say: (chat: number, text: string) =>
      post(`${running.sandboxUrl}/sandbox/bots/1:sandbox/chats/${chat}/messages`, {
        ...{ text, from: { id: chat, first_name: 'Mia' } },
      }),
  };
}
