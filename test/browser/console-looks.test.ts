import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { logIn, openPage, userOf } from './stage.ts';

const patience = { timeout: 600_000 };

const row = (page: Page, chat: number) => page.locator(`.chat-row[data-chat="${chat}"]`);
const line = (page: Page, text: string) => page.locator('[data-seq]').filter({ hasText: text });

async function openConsole(hash: string) {
  const env = freeEnv();
  const server = await startServer(env);
  const { key } = await createKey(env, 'admin');
  const opened = await openPage();
  await userOf(server.sandboxUrl, 777).say('hello');
  await opened.page.goto(`${server.url}/console${hash}`);
  await logIn(opened.page, key);
  await row(opened.page, 777).waitFor();
  return { ...opened, ...server };
}

test('a look that failed is repeated: the list and the transcript come to what happened last', patience, async () => {
  const { page, context, url, sandboxUrl, complaints } = await openConsole('#chat=777');
  await line(page, 'hello').first().waitFor();
  let isDown = true;
  await page.route(/\/v1\/console\/chats/, (route) =>
    isDown ? route.fulfill({ status: 503, json: { detail: 'Too busy' } }) : route.continue(),
  );
  const other = await context.newPage();
  await other.goto(`${url}/console#chat=777`);
  await row(other, 777).waitFor();
  await userOf(sandboxUrl, 777).say('the news');
  // All has happened, and only this page could not look.
  await line(other, 'the news').waitFor();
  await expect.poll(() => line(other, 'I did not understand').getByText('sent').count()).toBe(2);
  await page.getByRole('alert').filter({ hasText: 'Too busy' }).nth(1).waitFor();
  isDown = false;
  await line(page, 'the news').waitFor();
  await expect
    .poll(async () => (await row(page, 777).textContent()) === (await row(other, 777).textContent()), {
      timeout: 600_000,
    })
    .toBe(true);
  await page.getByRole('alert').first().waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});

test('a page that could not begin comes to its list and transcript by itself', patience, async () => {
  const { page, context, url, sandboxUrl } = await openConsole('');
  const other = await context.newPage();
  let isDown = true;
  await other.route(/\/v1\/console\/chats/, (route) =>
    isDown ? route.fulfill({ status: 503, json: { detail: 'Too busy' } }) : route.continue(),
  );
  await other.goto(`${url}/console#chat=777`);
  await other.getByRole('alert').filter({ hasText: 'Too busy' }).nth(1).waitFor();
  isDown = false;
  await row(other, 777).waitFor();
  await line(other, 'hello').first().waitFor();
  await other.getByRole('alert').first().waitFor({ state: 'detached' });
  await userOf(sandboxUrl, 778, 'Ben').say('hello');
  await row(page, 778).waitFor();
});

test('what came while the tab was hidden is read once somebody looks at it', patience, async () => {
  const { page, sandboxUrl } = await openConsole('#chat=777');
  await row(page, 777).locator('.unread').waitFor({ state: 'detached' });
  const hidden = (is: boolean) =>
    page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${is}, configurable: true })`);
  await hidden(true);
  await userOf(sandboxUrl, 777).say('are you there?');
  await row(page, 777).locator('.unread').waitFor();
  await expect.poll(() => line(page, 'I did not understand').getByText('sent').count()).toBe(2);
  await row(page, 777).getByText('Bot: I did not understand').waitFor();
  await hidden(false);
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await row(page, 777).locator('.unread').waitFor({ state: 'detached' });
});

test('a name of which nothing is to be seen gives way to the id', patience, async () => {
  const { page, context, url, sandboxUrl } = await openConsole('');
  for (const [id, name] of [
    [801, '\u200b\u2800'],
    [802, '\u200bZoë'],
  ] as const)
    await userOf(sandboxUrl, id, name).say('hello');
  await row(page, 801).locator('.row-name', { hasText: '801' }).waitFor();
  expect(await row(page, 801).locator('.avatar').textContent()).toBe('01');
  expect(await row(page, 802).locator('.avatar').textContent()).toBe('Z');
  await row(page, 801).click();
  await page.getByRole('heading', { name: '801' }).waitFor();
  await line(page, 'hello').locator('.line-from', { hasText: '801' }).waitFor();
  const sandbox = await context.newPage();
  await sandbox.goto(`${url}/sandbox#chat=801`);
  await sandbox.getByRole('heading', { name: '801' }).waitFor();
  await sandbox.locator('[data-chat="801"] b', { hasText: '801' }).waitFor();
});
