import type { Page, Route } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { localFromNow } from '../support/from-now.ts';
import { logIn, openPage, userOf } from './stage.ts';

const patience = { timeout: 600_000 };

const field = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true });
const line = (page: Page, text: string) => page.locator('[data-seq]').filter({ hasText: text });

/** The console, where Mia's chat is open. */
async function openConsole() {
  const env = freeEnv();
  const server = await startServer(env);
  const { key } = await createKey(env, 'admin');
  for (const [id, name] of [
    [777, 'Mia'],
    [778, 'Ben'],
  ] as const)
    await userOf(server.sandboxUrl, id, name).say('hello');
  const opened = await openPage();
  await opened.page.goto(`${server.url}/console#chat=777`);
  await logIn(opened.page, key);
  await line(opened.page, 'hello').first().waitFor();
  return { ...opened, ...server };
}

/** Holds what the page posts there until the test lets it through, or ends it. */
async function holdPosts(page: Page, address: RegExp) {
  const held: Route[] = [];
  await page.route(address, (route) => {
    if (route.request().method() === 'POST') held.push(route);
    else void route.continue();
  });
  return {
    all: held,
    async nth(n: number): Promise<Route> {
      await expect.poll(() => held.length).toBe(n);
      const route = held[n - 1];
      if (route === undefined) throw new Error(`There was no post number ${n}`);
      return route;
    },
  };
}

test('what is meant for later never goes out at once, whatever the time looks like', patience, async () => {
  const { page, complaints } = await openConsole();
  const posts: unknown[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/v1/messages')) posts.push(request.postDataJSON().delivery);
  });
  const at = page.getByLabel('Send at');
  const wrong = (what: string) => page.evaluate(`document.querySelector('.send-at input').validity.${what}`);
  await page.getByRole('button', { name: 'Send later' }).click();
  await field(page).fill('Not now');
  await field(page).press('Enter');
  expect(await wrong('valueMissing')).toBe(true);
  await at.focus();
  await page.keyboard.type('12');
  await field(page).press('Enter');
  expect(await wrong('badInput')).toBe(true);
  await at.fill('12026-12-24T18:00');
  await field(page).press('Enter');
  expect(await wrong('rangeOverflow')).toBe(true);
  await at.evaluate('(input) => { input.form.noValidate = true; input.form.requestSubmit(); }');
  expect(await field(page).inputValue()).toBe('Not now');

  await at.fill(localFromNow(86_400_000));
  await field(page).press('Enter');
  await line(page, 'Not now').getByText('scheduled for').waitFor();
  expect(posts).toEqual([{ send_at: expect.any(String) }]);
  expect(complaints).toEqual([]);
});

test('what is typed while a message is under way stays, and what was not sent comes back', patience, async () => {
  const { page, complaints } = await openConsole();
  const posts = await holdPosts(page, /\/v1\/messages$/);
  await field(page).fill('first');
  await field(page).press('Enter');
  const first = await posts.nth(1);
  expect(await field(page).inputValue()).toBe('');
  await field(page).fill('second');
  await field(page).press('Enter');
  await first.continue();
  await line(page, 'first').getByText('sent', { exact: true }).waitFor();
  expect(await field(page).inputValue()).toBe('second');
  expect(posts.all).toHaveLength(1);

  // No answer: it is back in its place, and tried again it is the same message.
  await field(page).press('Enter');
  await (await posts.nth(2)).abort();
  await page.getByRole('alert').filter({ hasText: 'cannot be reached' }).waitFor();
  expect(await field(page).inputValue()).toBe('second');
  await field(page).press('Enter');
  const again = await posts.nth(3);
  expect(again.request().headers()['idempotency-key']).toBe(posts.all[1]?.request().headers()['idempotency-key']);
  // Something else is in its place by now: it waits beside it.
  await field(page).fill('third');
  await again.abort();
  const unsent = page.getByRole('alert').filter({ hasText: 'second' });
  await unsent.waitFor();
  expect(await field(page).inputValue()).toBe('third');
  await unsent.getByRole('button', { name: 'Try again' }).click();
  const last = await posts.nth(4);
  expect(last.request().headers()['idempotency-key']).toBe(posts.all[1]?.request().headers()['idempotency-key']);
  await last.continue();
  await line(page, 'second').getByText('sent', { exact: true }).waitFor();
  await unsent.waitFor({ state: 'detached' });
  expect(await field(page).inputValue()).toBe('third');
  expect(complaints).toEqual([]);
});

test('a draft outlives Esc and a look at another chat, also one that failed meanwhile', patience, async () => {
  const { page, complaints } = await openConsole();
  const posts = await holdPosts(page, /\/v1\/messages$/);
  await field(page).fill('half a sent');
  await field(page).press('Escape');
  expect(await field(page).inputValue()).toBe('half a sent');
  await page.locator('.chat-row[data-chat="778"]').click();
  await page.getByRole('heading', { name: 'Ben' }).waitFor();
  expect(await field(page).inputValue()).toBe('');
  // Esc that ends a word of an input method is no Esc of the page's.
  await field(page).dispatchEvent('keydown', { key: 'Escape', isComposing: true, bubbles: true });
  await field(page).fill('to Ben');
  await field(page).press('Enter');
  const post = await posts.nth(1);
  await page.locator('.chat-row[data-chat="777"]').click();
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  expect(await field(page).inputValue()).toBe('half a sent');
  await post.abort();
  await page.locator('.chat-row[data-chat="778"]').click();
  await page.getByRole('heading', { name: 'Ben' }).waitFor();
  await expect.poll(() => field(page).inputValue()).toBe('to Ben');
  await field(page).fill('');
  await field(page).press('Escape');
  await page.getByText('Choose a chat').waitFor();
  expect(complaints).toEqual([]);
});

test('in the sandbox two Enters are one message, and nothing that is typed is lost', patience, async () => {
  const { url } = await startServer();
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox#chat=777`);
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  const posts = await holdPosts(page, /\/control\/chats\/777\/messages/);
  await field(page).fill('one');
  await field(page).press('Enter');
  await field(page).press('Enter');
  const first = await posts.nth(1);
  expect(await field(page).inputValue()).toBe('');
  await field(page).fill('two');
  await field(page).press('Enter');
  await first.continue();
  await page.locator('.message', { hasText: /^one/ }).waitFor();
  expect(await field(page).inputValue()).toBe('two');
  expect(posts.all).toHaveLength(1);

  await field(page).press('Enter');
  await (await posts.nth(2)).abort();
  await expect.poll(() => field(page).inputValue()).toBe('two');
  await field(page).press('Enter');
  const again = await posts.nth(3);
  await page.locator('[data-chat="778"]').click();
  await page.getByRole('heading', { name: 'Ben' }).waitFor();
  await again.abort();
  await page.locator('[data-chat="777"]').click();
  await expect.poll(() => field(page).inputValue()).toBe('two');

  // While a change is saved, one may go on.
  await field(page).fill('');
  await field(page).press('ArrowUp');
  await expect.poll(() => field(page).inputValue()).toBe('one');
  await field(page).fill('one!');
  await field(page).press('Enter');
  const change = await posts.nth(4);
  await field(page).fill('one!!');
  await change.continue();
  await page.locator('.message', { hasText: 'one!' }).waitFor();
  expect(await field(page).inputValue()).toBe('one!!');
  await field(page).press('Enter');
  await (await posts.nth(5)).continue();
  await page.locator('.message', { hasText: 'one!!' }).waitFor();
  await expect.poll(() => field(page).inputValue()).toBe('');
  expect(complaints).toEqual([]);
});
