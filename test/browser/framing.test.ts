import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freeEnv, startServer } from '../cli/support.ts';
import { openPage } from './stage.ts';

const PAGES = ['', 'sandbox', 'console', 'inspector', 'docs/'];

/** A site that shows the pages in frames, for a click that its visitor means for something else. */
async function startThief(url: string): Promise<string> {
  const frames = PAGES.map((path) => `<iframe src="${url}/${path}" width="400" height="300"></iframe>`);
  const thief = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>Win</title>${frames.join('')}`);
  });
  onTestFinished(() => {
    thief.close();
    thief.closeAllConnections();
  });
  await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(thief.address() as AddressInfo).port}/`;
}

test('no site can show a page in a frame of its own, not even another port of this host', {
  timeout: 600_000,
}, async () => {
  const { url } = await startServer({ ...freeEnv(), SWITCHBOARD_INSPECT: '1' });
  const { page } = await openPage();
  const refused = new Set<string>();
  page.on('console', (message) => {
    const [, address] = /^Framing '([^']*)' violates .*frame-ancestors 'none'/.exec(message.text()) ?? [];
    if (address !== undefined) refused.add(address);
  });
  await page.goto(await startThief(url));
  await expect.poll(() => refused.size).toBeGreaterThan(0);
  await expect
    .poll(() =>
      page
        .frames()
        .map((frame) => frame.url())
        .filter((address) => address !== page.url()),
    )
    .toEqual(PAGES.map(() => 'chrome-error://chromewebdata/'));
});

test('the description of the HTTP API looks like our pages, asks nobody else, and breaks no rule of its policy', {
  timeout: 600_000,
}, async () => {
  const { url } = await startServer(freeEnv());
  const { page, complaints } = await openPage({ dark: true });
  const strangers: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) strangers.push(request.url());
  });
  await page.goto(`${url}/docs`);
  await page.locator('.opblock').first().waitFor();
  expect(await page.title()).toBe('HTTP API · Switchboard');
  expect(await page.locator('.topbar img').getAttribute('src')).toContain('data:image/svg+xml');
  const summary = page.locator('.opblock', { has: page.locator('[data-path="/v1/chats"]') });
  await summary.locator('.opblock-summary').first().click();
  await summary.getByText('Parameters').first().waitFor();
  expect(strangers).toEqual([]);
  expect(complaints).toEqual([]);
});
