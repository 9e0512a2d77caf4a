import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { logIn, openPage, userOf } from './stage.ts';

test('a damaged database: the console says so and what to do, and its stream does not come back', {
  timeout: 180_000,
}, async () => {
  const env = freeEnv();
  const { url, sandboxUrl } = await startServer(env);
  const [{ key }, { page }] = [await createKey(env, 'admin'), await openPage()];
  const headers = { authorization: `Bearer ${key}` };
  await page.clock.install();
  const streams: string[] = [];
  page.on('request', (request) => {
    if (/\/v1\/events\b/.test(request.url())) streams.push(request.url());
  });
  await userOf(sandboxUrl, 777).say('hello');
  await page.goto(`${url}/console`);
  await logIn(page, key);
  await page.locator('.chat-row[data-chat="777"]').waitFor();
  const connected = async () =>
    Object(await (await fetch(`${url}/readyz`, { headers })).json()).operators.connected as number;
  await expect.poll(connected, { timeout: 180_000 }).toBe(1);

  const db = new DatabaseSync(join(env.SWITCHBOARD_DATA ?? '', 'switchboard.db'), { timeout: 20_000 });
  db.exec("UPDATE units SET bodies = 'no json' WHERE id = 1");
  db.close();
  expect((await fetch(`${url}/v1/events?poll=1&from=earliest`, { headers })).status).toBe(500);
  const notice = page.getByRole('alert').filter({ hasText: 'restore a backup. Then load this page again' });
  await notice.waitFor();
  await expect.poll(connected, { timeout: 180_000 }).toBe(0);
  await page.clock.fastForward(60_000);
  expect(streams).toHaveLength(1);
  expect(await page.getByText('Not connected').count()).toBe(0);
});
