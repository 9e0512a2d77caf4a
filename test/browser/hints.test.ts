import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { machine as payment } from '../../machines/payment.machine.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { machineEnv } from '../support/environment.ts';
import { isoFromNow } from '../support/from-now.ts';
import { temporaryFolder } from '../support/journal.ts';
import { quarantineOne, STILL } from './scene.ts';
import { barriers, logIn, openPage, userOf } from './stage.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const patience = { timeout: 300_000 };

test(
  'the start page leads to all there is, in light and dark, wide and narrow; a program gets JSON',
  patience,
  async () => {
    const { url } = await startServer({ ...freeEnv(), SWITCHBOARD_INSPECT: '1' });
    for (const options of [{ width: 1400 }, { width: 360, dark: true }]) {
      const { page, complaints } = await openPage(options);
      await page.goto(url);
      const links = page.getByRole('listitem').getByRole('link');
      expect(await links.getByRole('heading').allTextContents()).toEqual([
        'Sandbox',
        'Console',
        'Inspector',
        'HTTP API',
      ]);
      expect(await barriers(page)).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      for (const [n, title] of ['Sandbox', 'Console', 'Inspector', 'HTTP API'].entries()) {
        await links.nth(n).click();
        await expect.poll(() => page.title()).toContain(title);
        // Each page of ours leads back.
        if (n < 3) await page.getByTitle('Start page').click();
        await expect.poll(() => page.title()).toBe(n < 3 ? 'Switchboard' : 'HTTP API · Switchboard');
      }
      expect(complaints).toEqual([]);
    }
    for (const accept of ['*/*', 'application/json']) {
      const answer = await fetch(`${url}/`, { headers: { accept } });
      expect(answer.headers.get('vary')).toContain('accept');
      const { pages, docs, openapi, health } = Object(await answer.json());
      expect(Object.keys(pages)).toEqual(['sandbox', 'console', 'inspector']);
      for (const address of [...Object.values(pages), docs, openapi, health])
        expect((await fetch(new URL(String(address), `${url}/`))).status, String(address)).toBe(200);
    }
  },
);

test('the command of the log-in card, run as it is written, makes a key that logs in', patience, async () => {
  const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
  const { url } = await startServer(env);
  for (const address of ['console', 'inspector']) {
    const { page, complaints } = await openPage();
    await page.goto(`${url}/${address}`);
    const command = await page.locator('.login .command').innerText();
    const options = { cwd: ROOT, env: { ...machineEnv(), ...env } };
    const { stdout } = await promisify(execFile)('sh', ['-c', command], options);
    await logIn(page, JSON.parse(stdout).key);
    await page.getByRole('button', { name: 'Log out' }).waitFor();
    await page.getByText('me · admin').waitFor();
    expect(complaints).toEqual([]);
  }
});

test('a message that is scheduled is shown with its time, and as sent once it is', patience, async () => {
  const { env, url, sandboxUrl } = await startServer();
  const { key } = await createKey(env, 'aggregator');
  await userOf(sandboxUrl, 777).say('/start');
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox#chat=777`);
  const post = async (text: string, send_at: string): Promise<void> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': text };
    const body = JSON.stringify({ chat_id: 777, text, delivery: { send_at } });
    expect((await fetch(`${url}/v1/messages`, { method: 'POST', headers, body })).status).toBe(202);
  };
  const sending = (text: string) => page.locator('.sending', { hasText: text }).locator('[data-fate]');
  const sendAt = isoFromNow(86_400_000);
  await post('tomorrow', sendAt);
  await sending('tomorrow').waitFor();
  const time = await page.evaluate(
    `new Date('${sendAt}').toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })`,
  );
  expect(await sending('tomorrow').textContent()).toBe(`scheduled for ${time}`);
  await post('soon', isoFromNow(3000));
  await page.locator('.sending', { hasText: 'soon' }).locator('[data-fate=sent]').waitFor();
  expect(complaints).toEqual([]);
});

test(
  'a quarantined chat says so where one writes, why, and what to do; no more once it goes on',
  patience,
  async () => {
    const env = freeEnv();
    await quarantineOne(String(env.SWITCHBOARD_DATA));
    const { url, sandboxUrl } = await startServer(env);
    const { key } = await createKey(env, 'admin');
    // The sandbox has forgotten what was quarantined before it began: Switchboard has not.
    await userOf(sandboxUrl, STILL, 'Theo').say('hello?');
    const { page, complaints } = await openPage({ width: 400, dark: true });
    await page.goto(`${url}/sandbox#chat=${STILL}`);
    const notice = page.getByRole('region', { name: 'Quarantined' });
    await notice.getByText("Cannot read properties of undefined (reading 'amount')").waitFor();
    await notice.getByText(`npx switchboard chats retry ${STILL}`).waitFor();
    expect(await notice.getByRole('link').getAttribute('href')).toBe(`console#chat=${STILL}`);
    expect(await barriers(page)).toEqual([]);
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${url}/v1/chats/${STILL}/retry`, { method: 'POST', headers })).status).toBe(200);
    await notice.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
  },
);

test("what is suggested is the chosen machine's own; where none is chosen, the page says so", patience, async () => {
  const { url } = await startServer();
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox`);
  const suggestions = page.locator('.suggestions button');
  await suggestions.first().waitFor();
  expect(await suggestions.allTextContents()).toEqual(payment.config.meta?.examples?.texts);

  for (const [machine, suggested] of [
    [{ machine: 'reminder', per: 'chat' } as const, ['/start']],
    [null, []],
  ] as const) {
    const env = { SWITCHBOARD_DATA: temporaryFolder(), SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0' };
    const settings = loadSettings(join(ROOT, 'config'), env);
    const conversations = { private: machine, group: null, channel: null };
    const options = { machinesFolder: join(ROOT, 'test', 'machines') };
    const own = await startSwitchboard({ ...settings, conversations }, createLog('silent', process.stdout), options);
    onTestFinished(() => own.stop());
    await page.goto(`${own.url}/sandbox`);
    await page.locator('.beginning').waitFor();
    expect(await suggestions.allTextContents()).toEqual(suggested);
    expect(await page.getByText('No machine answers in chats of this kind').count()).toBe(machine === null ? 1 : 0);
  }
  expect(complaints).toEqual([]);
});
