import { createServer, request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { logIn, openPage, userOf } from './stage.ts';

const PREFIX = '/bots/switchboard';

/** A reverse proxy that serves what is at `target` below PREFIX, and nothing beside it. */
async function startProxy(target: string) {
  const strays: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    if (!url.startsWith(`${PREFIX}/`)) {
      strays.push(url);
      outgoing.writeHead(404).end();
      return;
    }
    const upstream = request(`${target}${url.slice(PREFIX.length)}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  });
  onTestFinished(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const port = await new Promise<number>((resolve) =>
    proxy.listen(0, '127.0.0.1', () => {
      const address = proxy.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
  return { url: `http://127.0.0.1:${port}${PREFIX}`, strays };
}

test('all pages work below a path at which a proxy serves them', { timeout: 600_000 }, async () => {
  const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
  const server = await startServer(env);
  const { url, strays } = await startProxy(server.url);
  const { key } = await createKey(env, 'admin');
  const { page, complaints } = await openPage();
  const mia = userOf(server.sandboxUrl, 777);

  await page.goto(`${url}/console`);
  await logIn(page, key);
  await page.locator('.bar', { hasText: 'admin' }).waitFor();
  await mia.say('hello');
  await page.locator('.chat-row', { hasText: 'Mia' }).click();
  await mia.say('is this live?');
  await page.getByText('is this live?').last().waitFor();

  await page.getByRole('link', { name: 'Inspector' }).click();
  await page.locator('.workbench').waitFor();
  await page.locator('svg').getByText('idle').first().waitFor();

  await page.getByRole('link', { name: 'Sandbox' }).click();
  await page.getByText('is this live?').last().waitFor();

  await page.goto(`${url}/docs`);
  const health = page.locator('.opblock', { has: page.locator('[data-path="/livez"]') });
  await health.locator('.opblock-summary').click();
  await health.getByRole('button', { name: 'Try it out' }).click();
  await health.getByRole('button', { name: 'Execute' }).click();
  await health.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();

  expect(strays.filter((path) => path !== '/favicon.ico')).toEqual([]);
  expect(complaints).toEqual([]);
});
