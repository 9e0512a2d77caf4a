import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';
import { localFromNow } from '../support/from-now.ts';
import { barriers, logIn, openPage, userOf } from './stage.ts';

const post = (page: Page, text: string) => page.locator('.line.out').filter({ hasText: text });
const write = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel('Message').fill(text);
  await page.keyboard.press('Enter');
};

test('whoever only writes sees what became of it, decides about it, and is logged out with the key', async () => {
  const env = freeEnv();
  const server = await startServer(env);
  const spoil = (kind: string) =>
    fetch(`${server.sandboxUrl}/sandbox/bots/1:sandbox/faults`, {
      method: 'POST',
      body: JSON.stringify({ method: 'sendMessage', kind }),
    });
  for (const id of [777, 778]) await userOf(server.sandboxUrl, id).say('hello');
  const { key } = await createKey(env, 'aggregator');
  const { page, complaints } = await openPage();
  await page.goto(`${server.url}/console`);
  await logIn(page, key);
  await page.getByLabel('Chat id').fill('777');
  await write(page, '<b>Can I help you?</b>');
  await post(page, '<b>Can I help you?</b>').getByText('sent', { exact: true }).waitFor();

  // Its answer was lost: somebody decides.
  await spoil('lost_answer');
  await write(page, 'Did this arrive?');
  const unknown = post(page, 'Did this arrive?');
  await unknown.getByText('unknown', { exact: true }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await unknown.getByRole('button', { name: 'It arrived' }).click();
  await unknown.getByText('sent', { exact: true }).waitFor();
  expect(await unknown.getByRole('button').count()).toBe(0);

  // Later, and never mind. To another chat: what was written before is still there.
  await page.getByLabel('Chat id').fill('778');
  await page.getByRole('button', { name: 'Send later' }).click();
  await page.getByLabel('Send at').fill(localFromNow(86_400_000));
  await page.getByLabel('Message').fill('Happy holidays');
  await page.getByRole('button', { name: 'Schedule' }).click();
  const scheduled = post(page, 'Happy holidays');
  await scheduled.getByText('scheduled for').waitFor();
  await scheduled.getByRole('button', { name: 'Cancel' }).click();
  await scheduled.getByText('canceled', { exact: true }).waitFor();
  expect(await page.locator('.line.out').count()).toBe(3);

  // Telegram says no.
  await page.getByLabel('Chat id').fill('999');
  await write(page, 'Is anybody there?');
  await post(page, 'Is anybody there?').getByText('failed', { exact: true }).waitFor();
  for (let n = 0; n < 12; n += 1) {
    await write(page, `Hello? ${n}`);
    await post(page, `Hello? ${n}`).waitFor();
  }
  await post(page, '<b>Can I help you?</b>').scrollIntoViewIfNeeded();
  await expect(page.evaluate('document.documentElement.scrollWidth <= innerWidth')).resolves.toBe(true);
  expect(await barriers(page)).toEqual([]);
  expect(complaints).toEqual([]);

  await run(['keys', 'revoke', String(key.split(':')[0])], env).ended;
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
});
