import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { createKey, type Env, freeEnv, run, startServer } from '../cli/support.ts';
import { barriers, logIn, openPage, userOf } from './stage.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const patience = { timeout: 600_000 };

const current = (page: Page) => page.locator('[data-current]');
const box = (page: Page, state: string) => page.locator(`.box[data-state="${state}"]`);
const stands = (page: Page, state: string) =>
  current(page)
    .filter({ hasText: new RegExp(`^${state}$`) })
    .waitFor();
const litWay = (page: Page, text: string) => page.locator('.way.lit').filter({ hasText: text }).waitFor();

test('a payment is followed live, walked back and forth, and still there after a restart', patience, async () => {
  const env: Env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
  const server = await startServer(env);
  const [{ key }, { page, complaints }] = [await createKey(env, 'admin'), await openPage()];
  const mia = userOf(server.sandboxUrl, 777);
  await page.goto(`${server.url}/inspector`);
  await logIn(page, key);
  await box(page, 'underWay.asking').waitFor();
  await mia.say('/start');
  await page
    .locator('[data-chat="777"]')
    .or(page.getByRole('button', { name: 'Refresh' }))
    .first()
    .waitFor();

  // Live.
  await page.getByLabel('Chat id').fill('777');
  await page.keyboard.press('Enter');
  await stands(page, 'idle');
  await mia.say('/pay 12.50 EUR @anna');
  await stands(page, 'confirming');
  await page.locator('.box.lit[data-state="confirming"]').waitFor();
  await litWay(page, 'message.received [readablePayment]');
  const left = page.locator('[data-left]');
  const before = await left.textContent();
  expect(before).toMatch(/^(10:00|9:[345]\d)$/);
  await left.filter({ hasNotText: String(before) }).waitFor();
  await mia.press('Confirm');
  await stands(page, 'underWay.open');
  await litWay(page, 'openPayment done [accepted]');
  await page.locator('.step').nth(3).waitFor();
  expect(await page.locator('.step').count()).toBe(4);

  // Back, step by step, and forth.
  await page.keyboard.press('ArrowLeft');
  await stands(page, 'underWay.asking');
  await page.getByText('openPayment', { exact: true }).first().waitFor();
  await page.keyboard.press('ArrowLeft');
  await stands(page, 'confirming');
  expect(await left.textContent()).toBe('10:00');
  expect(await page.locator('.changes').textContent()).toContain('12.50');
  await page.keyboard.press('ArrowLeft');
  await stands(page, 'idle');
  expect(await page.getByRole('button', { name: 'Step back' }).isDisabled()).toBe(true);
  for (const state of ['confirming', 'underWay.asking', 'underWay.open']) {
    await page.keyboard.press('ArrowRight');
    await stands(page, state);
  }
  await page.getByLabel('Time').focus();
  await page.keyboard.press('Home');
  await stands(page, 'idle');
  await page.getByRole('button', { name: 'Now' }).click();

  // The process ends and starts again: the same chat, from what is stored.
  server.child.kill('SIGTERM');
  await server.ended;
  await page.getByText('Not connected').waitFor();
  const port = new URL(server.url).port;
  const again = await startServer({ ...env, SWITCHBOARD_PORT: port });
  await page.getByText('Not connected').waitFor({ state: 'detached' });
  await page.reload();
  await stands(page, 'underWay.open');
  await page.locator('.step').nth(3).waitFor();
  expect(await page.locator('.step').count()).toBe(4);
  await page.keyboard.press('ArrowLeft');
  await stands(page, 'underWay.asking');
  await page.getByRole('button', { name: 'Now' }).click();

  // A test event settles it.
  const context = page.getByRole('region', { name: 'Context', exact: true });
  const paymentId = /pay_[0-9a-f]+/.exec((await context.textContent()) ?? '')?.[0];
  await page.getByLabel('Event as JSON').fill(JSON.stringify({ type: 'payment.settled', paymentId }));
  await page.getByRole('button', { name: 'Send' }).click();
  await stands(page, 'idle');
  await litWay(page, 'always [heard]');

  // What users write is text.
  await userOf(again.sandboxUrl, 777).say('<img src=x onerror=alert(1)> \u05e9\u05dc\u05d5\u05dd \ud83d\ude00');
  await page.locator('.step', { hasText: '<img src=x onerror=alert(1)>' }).waitFor();
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(complaints).toEqual([]);

  // Whose key is revoked is logged out.
  await run(['keys', 'revoke', String(key.split(':')[0])], env).ended;
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  const operator = await createKey(env, 'operator');
  await logIn(page, operator.key);
  await page.getByText('The inspector is for admins').waitFor();
});

/** A server in this process, whose private chats run a machine of the tests. */
async function startRegions() {
  const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
  const settings = loadSettings(join(ROOT, 'config'), env);
  const conversations = { private: { machine: 'regions' }, group: null, channel: null };
  const folder = join(ROOT, 'test', 'web');
  const log = createLog('silent', { write: () => {} });
  const running = await startSwitchboard({ ...settings, conversations }, log, { machinesFolder: folder });
  onTestFinished(() => running.stop());
  const { key } = await createKey(env, 'admin');
  return { url: running.url, sandboxUrl: String(running.sandboxUrl), key };
}

test('a machine with regions is drawn, heated by its chats, and readable by everybody', patience, async () => {
  const { url, sandboxUrl, key } = await startRegions();
  for (const id of [801, 802, 803]) await userOf(sandboxUrl, id).say('hello');
  const { page, context, complaints } = await openPage();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`${url}/inspector`);
  expect(await barriers(page)).toEqual([]);
  await logIn(page, key);
  await box(page, 'ordered.paying.asking.first').waitFor();
  await page.locator('[data-state="ordered.packing.waiting"][aria-label*="3 chats"]').waitFor();
  expect(await box(page, 'ordered').getAttribute('class')).toContain('parallel');
  const inner = await box(page, 'ordered.packing.waiting').boundingBox();
  const outer = await box(page, 'ordered.packing').boundingBox();
  expect(inner?.x).toBeGreaterThan(outer?.x ?? Number.POSITIVE_INFINITY);

  // By the keyboard: a state is chosen, its chats are listed, one is opened and lit in both regions.
  await box(page, 'ordered.packing.waiting').focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-chat="803"]').click();
  await current(page).filter({ hasText: 'ordered.packing.waiting' }).waitFor();
  const lit = await page.locator('.box.lit').evaluateAll((boxes) => boxes.map((one) => one.getAttribute('data-state')));
  expect(lit.filter((path) => path?.split('.').length === 3)).toContain('ordered.packing.waiting');
  expect(lit).toContain('ordered.paying');
  await userOf(sandboxUrl, 803).say('more');
  await page.locator('.row.lit', { hasText: 'message.received [says more]' }).waitFor();
  expect(await barriers(page)).toEqual([]);

  // Its source, for Stately Studio.
  await page.getByRole('button', { name: 'Close the chat' }).click();
  await page.getByRole('button', { name: 'Copy source for Stately Studio' }).click();
  await page.getByText('Copied').waitFor();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
    readFileSync(join(ROOT, 'test', 'web', 'regions.machine.ts'), 'utf8'),
  );
  // A long life comes in pages.
  const long = userOf(sandboxUrl, 805);
  for (let n = 0; n < 60; n += 1) await long.say(`word ${n}`);
  await page.getByLabel('Chat id').fill('805');
  await page.keyboard.press('Enter');
  await page.locator('.step', { hasText: 'word 59' }).waitFor();
  await page.getByRole('listbox', { name: 'Steps of this chat' }).focus();
  await page.keyboard.press('Home');
  await page.locator('.step[aria-selected=true]', { hasText: 'word 0' }).waitFor();
  await stands(page, 'open|ordered.*');
  await page.getByRole('button', { name: 'Later steps' }).click();
  await page.locator('.step', { hasText: 'word 59' }).waitFor();
  await page.getByRole('button', { name: 'Now' }).click();
  await long.say('the last word');
  await page.locator('.step[aria-selected=true]', { hasText: 'the last word' }).waitFor();

  // Switchboard's own actors.
  await page.getByRole('button', { name: 'poller' }).click();
  await page.locator('.box.lit[data-state="polling"]').waitFor();
  expect(complaints).toEqual([]);

  const dark = await openPage({ dark: true, width: 390 });
  await dark.page.goto(`${url}/inspector#machine=regions&chat=803`);
  await logIn(dark.page, key);
  await box(dark.page, 'ordered').waitFor();
  await current(dark.page).waitFor();
  expect(await barriers(dark.page)).toEqual([]);
  expect(await dark.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  expect(dark.complaints).toEqual([]);
});
