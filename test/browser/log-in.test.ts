import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { logIn, openPage, userOf } from './stage.ts';

const patience = { timeout: 600_000 };

const who = (page: Page, name: string) => page.locator('.bar', { hasText: name }).waitFor();
const rows = (page: Page) => page.locator('.chat-row');

test(
  'a page is always whose browser it is: another log-in in another tab, and a log-out, are seen at once',
  patience,
  async () => {
    const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
    const { url, sandboxUrl } = await startServer(env);
    for (const [id, name] of [
      [777, 'Mia'],
      [778, 'Ben'],
    ] as const)
      await userOf(sandboxUrl, id, name).say('hello');
    const [admin, operator] = [await createKey(env, 'admin'), await createKey(env, 'operator', '--chat', '777')];
    const { page, context, complaints } = await openPage();
    const [other, inspector] = [await context.newPage(), await context.newPage()];
    await page.goto(`${url}/console#chat=777`);
    await logIn(page, admin.key);
    await expect.poll(() => rows(page).count()).toBe(2);
    await inspector.goto(`${url}/inspector`);
    await inspector.locator('.workbench').waitFor();

    await other.goto(`${url}/console`);
    await who(other, 'admin');
    await other.getByRole('button', { name: 'Log out' }).click();
    for (const one of [page, inspector]) await one.getByRole('heading', { name: 'Log in' }).waitFor();
    await logIn(other, operator.key);
    await who(page, 'operator');
    await expect.poll(() => rows(page).count()).toBe(1);
    await inspector.getByText('The inspector is for admins').waitFor();
    await other.getByRole('button', { name: 'Log out' }).click();
    await logIn(other, admin.key);
    await page.getByLabel('Message').waitFor();
    await inspector.locator('.workbench').waitFor();

    // A cookie that another port has planted, of somebody who is logged in too, makes nobody that one: the page is logged out.
    const session = await await fetch(`${url}/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: operator.key }),
    });
    const [name = '', value = ''] = (session.headers.getSetCookie()[0] ?? '').split(';')[0]?.split('=') ?? [];
    expect((await context.cookies()).filter((cookie) => cookie.name === name)).toHaveLength(1);
    await context.addCookies([{ name, value, url, httpOnly: true, sameSite: 'Strict' }]);
    await page.getByLabel('Message').fill('hello');
    await page.keyboard.press('Enter');
    for (const one of [page, inspector]) await one.getByRole('heading', { name: 'Log in' }).waitFor();
    await logIn(page, admin.key);
    await page.getByLabel('Message').waitFor();
    expect(complaints).toEqual([]);
  },
);

test('whoever cannot be logged out, because Switchboard is away, is told so', patience, async () => {
  const env = freeEnv();
  const server = await startServer(env);
  const { page, complaints } = await openPage();
  await page.goto(`${server.url}/console`);
  await logIn(page, (await createKey(env, 'admin')).key);
  await page.getByRole('button', { name: 'Log out' }).waitFor();
  server.child.kill('SIGTERM');
  await server.ended;
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('alert').filter({ hasText: 'Still logged in: Switchboard cannot be reached' }).waitFor();
  await startServer({ ...env, SWITCHBOARD_PORT: new URL(server.url).port });
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(complaints).toEqual([]);
});
