import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { createKey, freeEnv } from '../cli/support.ts';

/** A Telegram that answers everything but what is sent. */
async function silentTelegram() {
  let asked = 0;
  const server = createServer((request, response) => {
    const method = request.url?.split('/').at(-1);
    if (method === 'sendMessage') asked += 1;
    else if (method === 'getUpdates') setTimeout(() => response.end('{"ok":true,"result":[]}'), 100);
    else response.end('{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"b","username":"b_bot"}}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked };
}

test('calls without an answer by the end of a stop are cut off, and their fate is stored and told: unknown', async () => {
  const real = { ...limits };
  onTestFinished(() => void Object.assign(limits, real));
  Object.assign(limits, { shutdownMs: 3000 });
  const telegram = await silentTelegram();
  const env = {
    ...freeEnv(),
    TELEGRAM_BOT_TOKEN: '42:a-token-of-the-test-of-a-stop-----',
    TELEGRAM_API_ROOT: telegram.url,
  };
  const { key } = await createKey(env, 'aggregator');
  const settings = loadSettings(join(import.meta.dirname, '..', '..', 'config'), env);
  const running = await startSwitchboard(settings, createLog('silent', process.stdout));
  const post = (chat_id: number) =>
    fetch(`${running.url}/v1/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': `k${chat_id}` },
      body: JSON.stringify({ chat_id, text: 'x' }),
    });
  for (const chat of [1, 2, 3]) expect((await post(chat)).status).toBe(202);
  await expect.poll(telegram.asked).toBe(3);
  await running.stop();
  const db = new DatabaseSync(join(settings.data, 'switchboard.db'), { readOnly: true });
  onTestFinished(() => db.close());
  const statuses = db.prepare('SELECT status FROM messages').all();
  expect(statuses.map(({ status }) => status)).toEqual(['unknown', 'unknown', 'unknown']);
  const told = db
    .prepare('SELECT heads FROM units')
    .all()
    .map(({ heads }) => String(heads))
    .join();
  expect(told.match(/"message\.unknown"/g)).toHaveLength(3);
});
