import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEdge } from '../http/edge.ts';
import { launchBrowser } from './launch.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs in the page: reads with the client, from its source. */
const READ = `(async ({ key }) => {
  const { events } = await import('/src/client/client.ts');
  window.seen = [];
  for await (const event of events({ url: location.origin, key, after: 'earliest' })) seen.push(event.seq);
})`;

test("the operators' client reads in Chromium as it stands, and comes back by itself", {
  timeout: 120_000,
}, async () => {
  const edge = await startEdge();
  const browser = await launchBrowser();
  const page = await browser.newPage();
  const asked: string[] = [];
  await page.route('**/src/**', (route) => {
    const path = new URL(route.request().url()).pathname;
    asked.push(path);
    const body = stripTypeScriptTypes(readFileSync(join(ROOT, path), 'utf8'));
    return route.fulfill({ contentType: 'text/javascript', body });
  });
  await page.goto(`${edge.url}/livez`);
  for (let n = 0; n < 50; n += 1) await edge.append('7');
  void page.evaluate(`${READ}(${JSON.stringify({ key: edge.admin.text })})`).catch(() => {});
  await page.waitForFunction('window.seen?.length === 50', null, { timeout: 30_000 });
  edge.cutStreams();
  for (let n = 0; n < 50; n += 1) await edge.append('7');
  await page.waitForFunction('seen.length === 100', null, { timeout: 30_000 });
  expect(await page.evaluate('seen')).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  // All that it is made of: a page loads no more than this.
  expect([...new Set(asked)].sort()).toEqual([
    ...['/src/backoff.ts', '/src/client/client-stream.ts', '/src/client/client.ts', '/src/clock.ts', '/src/limits.ts'],
  ]);
});
