import { expect, test } from 'vitest';
import { startEdge } from '../http/edge.ts';
import { launchBrowser } from './launch.ts';

/** Runs in the page: reads with the client that is served. */
const READ = `(async ({ key }) => {
  const { events } = await import('/client.js');
  window.seen = [];
  for await (const event of events({ url: location.origin, key, after: 'earliest' })) seen.push(event.seq);
})`;

test("the operators' client reads in Chromium as it is served, and comes back by itself", {
  timeout: 600_000,
}, async () => {
  const edge = await startEdge();
  const browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(`${edge.url}/livez`);
  for (let n = 0; n < 50; n += 1) await edge.append('7');
  void page.evaluate(`${READ}(${JSON.stringify({ key: edge.admin.text })})`).catch(() => {});
  await page.waitForFunction('window.seen?.length === 50', null, { timeout: 200_000 });
  edge.cutStreams();
  for (let n = 0; n < 50; n += 1) await edge.append('7');
  await page.waitForFunction('seen.length === 100', null, { timeout: 200_000 });
  expect(await page.evaluate('seen')).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
});
