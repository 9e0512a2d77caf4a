import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { startEdge } from '../http/edge.ts';
import { launchBrowser } from './launch.ts';

/** Runs in the page: an EventSource, opened with a ticket, that keeps what it hears. */
function listen({ key }: { key: string }): Promise<void> {
  const seen: number[] = [];
  const page = Object.assign(globalThis, { seen, opened: 0, failed: 0 });
  return fetch('/v1/tickets', { method: 'POST', headers: { authorization: `Bearer ${key}` } })
    .then((response) => response.json())
    .then((answer) => {
      const { ticket } = Object(answer);
      const source = new EventSource(`/v1/events?from=earliest&ticket=${ticket}`);
      source.addEventListener('open', () => {
        page.opened += 1;
      });
      source.addEventListener('error', () => {
        if (source.readyState === EventSource.CLOSED) page.failed += 1;
      });
      source.addEventListener('update.received', (event) => seen.push(JSON.parse(Object(event).data).seq));
    });
}

const pageHas = (page: Page, text: string) => page.waitForFunction(text, null, { timeout: 200_000 });

test("Chromium's EventSource, opened with a ticket, resumes by itself: nothing is missing, nothing comes twice", {
  timeout: 600_000,
}, async () => {
  const edge = await startEdge();
  const [browser, operator] = [await launchBrowser(), edge.key('operator')];
  const page = await browser.newPage();
  // Any page of the same origin.
  await page.goto(`${edge.url}/livez`);
  await edge.append('7');
  await page.evaluate(listen, { key: operator.text });
  await pageHas(page, 'seen.length === 1');
  for (let drops = 1; drops <= 3; drops += 1) {
    edge.operators.endStreamsOf(operator.id);
    for (let n = 0; n < 10; n += 1) await edge.append('7');
    await pageHas(page, `opened === ${drops + 1}`);
    await edge.append('7');
    await pageHas(page, `seen.length === ${1 + 11 * drops}`);
  }
  expect(await page.evaluate('seen')).toEqual(Array.from({ length: 34 }, (_, i) => i + 1));

  // A revoked key ends it for good.
  edge.keyring.revoke(operator.id);
  await pageHas(page, 'failed === 1');
  expect(edge.logged.join('')).not.toContain('ticket=');
});
