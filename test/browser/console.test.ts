import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { machine } from '../../machines/payment.machine.ts';
import { populate } from '../bench/population.ts';
import { FIRST_CHAT } from '../bench/update-text.ts';
import { createKey, type Env, freeEnv, run, startServer } from '../cli/support.ts';
import { localFromNow } from '../support/from-now.ts';
import { makeQuarantined } from '../support/quarantined.ts';
import { barriers, logIn, openPage, userOf } from './stage.ts';

const DAY_MS = 86_400_000;
const patience = { timeout: 600_000 };

const fault = (sandboxUrl: string, body: object) =>
  fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/faults`, { method: 'POST', body: JSON.stringify(body) });

const row = (page: Page, chat: number | string) => page.locator(`.chat-row[data-chat="${chat}"]`);
const line = (page: Page, text: string) => page.locator('[data-seq]').filter({ hasText: text });
const write = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel('Message').fill(text);
  await page.keyboard.press('Enter');
};

test(
  'a payment is seen as it happens; what is unknown, scheduled or unread is dealt with; a restart and a revoked key are told',
  patience,
  async () => {
    const env: Env = freeEnv();
    const server = await startServer(env);
    const [{ key }, { page, complaints }] = [await createKey(env, 'admin'), await openPage()];
    const mia = userOf(server.sandboxUrl, 777);
    await page.goto(`${server.url}/console`);
    await logIn(page, key);
    await page.getByText('No chat yet').waitFor();
    expect(await barriers(page)).toEqual([]);

    // A payment, as it happens.
    await mia.say('/pay 12.50 EUR @anna');
    await row(page, 777).getByText('Pay 12.50 EUR to @anna?').waitFor();
    await row(page, 777).getByText('confirming').waitFor();
    await row(page, 777).locator('.unread').waitFor();
    await row(page, 777).click();
    await line(page, 'Pay 12.50 EUR to @anna?').getByText('sent').waitFor();
    await row(page, 777).locator('.unread').waitFor({ state: 'detached' });
    await mia.press('Confirm');
    await line(page, 'pressed “Confirm”').waitFor();
    await line(page, 'payment goes from confirming to underWay.asking').waitFor();
    await line(page, 'Its number is').waitFor();
    await page.locator('[data-state]', { hasText: 'underWay.open' }).waitFor();

    // Others: the one where something happens goes to the top.
    for (let n = 0; n < 12; n += 1) await userOf(server.sandboxUrl, 900 + n, `User ${n}`).say(`hello from ${n}`);
    await row(page, 911).waitFor();
    for (let n = 0; n < 5; n += 1) {
      await userOf(server.sandboxUrl, 920 + n, `Caller ${n}`).say('hello');
      await row(page, 920 + n)
        .getByText(`Caller ${n}`)
        .waitFor();
      await mia.say(`shown ${n}`);
      await line(page, `shown ${n}`).waitFor();
    }
    await expect.poll(() => page.locator('.chat-row').first().getAttribute('data-chat')).toBe('777');

    // To the user. Twice by accident is once.
    await write(page, 'Can I help you?');
    await line(page, 'Can I help you?').getByText('sent', { exact: true }).waitFor();
    expect(await page.getByLabel('Message').inputValue()).toBe('');
    await write(page, 'x'.repeat(4097));
    await page.getByRole('alert').filter({ hasText: 'text' }).waitFor();
    await page.getByLabel('Message').fill('');

    // An answer is lost: somebody decides.
    await fault(server.sandboxUrl, { method: 'sendMessage', kind: 'lost_answer', chat_id: 777 });
    await write(page, 'Did this arrive?');
    const unknown = line(page, 'Did this arrive?');
    await unknown.getByText('unknown', { exact: true }).waitFor();
    await row(page, 777).getByText('1 unknown').waitFor();
    await unknown.getByRole('button', { name: 'It arrived' }).click();
    await unknown.getByText('sent', { exact: true }).waitFor();
    await row(page, 777).getByText('1 unknown').waitFor({ state: 'detached' });

    // Later, and never mind.
    await page.getByRole('button', { name: 'Send later' }).click();
    await page.getByLabel('Send at').fill(localFromNow(23 * DAY_MS));
    await page.getByLabel('Message').fill('Happy holidays');
    await page.getByRole('button', { name: 'Schedule' }).click();
    const scheduled = line(page, 'Happy holidays');
    await scheduled.getByText('scheduled for').waitFor();
    await scheduled.getByRole('button', { name: 'Cancel' }).click();
    await scheduled.getByText('canceled', { exact: true }).waitFor();

    // What users write is text.
    const texts = [
      '<img src=x onerror=alert(1)><script>alert(2)</script>',
      '\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd',
      '😀👨‍👩‍👧🇩🇪',
      'w'.repeat(4096),
    ];
    for (const text of texts) await mia.say(text);
    for (const text of texts) await line(page, text.slice(0, 500)).first().waitFor();
    expect(await page.locator('img[src="x"], .lines script').count()).toBe(0);
    const direction = `getComputedStyle([...document.querySelectorAll('.line-text')].find((one) => one.textContent.startsWith('\u05e9'))).direction`;
    expect(await page.evaluate(direction)).toBe('rtl');
    expect(
      await page.evaluate(
        'document.documentElement.scrollWidth <= innerWidth && document.querySelector(".lines").scrollWidth <= document.querySelector(".lines").clientWidth',
      ),
    ).toBe(true);

    // A picture is shown, and what only says that it is one is not.
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg==';
    await mia.sendPhoto(png, 'a picture');
    await line(page, 'a picture').locator('img').waitFor();
    await mia.sendPhoto(Buffer.from('<svg onload=alert(3)></svg>').toString('base64'), 'no picture');
    await line(page, 'no picture').getByText('cannot be fetched').waitFor();
    expect(await barriers(page)).toEqual([]);

    // Search, and a link to what was found.
    await page.locator('.lines').focus();
    await page.keyboard.press('/');
    await page.keyboard.type('hello from 7');
    await page.locator('[data-hit]', { hasText: 'hello from 7' }).click();
    await page.getByRole('heading', { name: 'User 7' }).waitFor();
    await page.locator('.lit', { hasText: 'hello from 7' }).waitFor();
    await page.getByLabel('Search').fill('" OR (');
    await page.getByText('Nothing was found').waitFor();
    await page.keyboard.press('Escape');
    const seq = await page.locator('.lit').getAttribute('data-seq');
    await page.goto(`${server.url}/console#seq=${seq}`);
    await page.reload();
    await page.locator(`.lit[data-seq="${seq}"]`, { hasText: 'hello from 7' }).waitFor();
    expect(page.url()).toContain('chat=907');

    // The keyboard alone: the list, a chat, and back.
    await page.keyboard.press('Escape');
    await page.getByText('Choose a chat').waitFor();
    await page.getByRole('listbox', { name: 'Chats' }).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.pane-title').waitFor();
    const second = await page.locator('.chat-row').nth(1).getAttribute('data-chat');
    expect(page.url()).toContain(`chat=${second}`);

    // Filters.
    await page.getByLabel('Which chats').selectOption('unread');
    await row(page, 905).waitFor();
    await row(page, 777).waitFor({ state: 'detached' });
    await page.getByLabel('Which chats').selectOption('all');
    await page.getByLabel('State', { exact: true }).focus();
    await page.locator('option', { hasText: 'payment: underWay.open (1)' }).waitFor({ state: 'attached' });
    await page.getByLabel('State', { exact: true }).selectOption({ label: 'payment: underWay.open (1)' });
    await expect.poll(() => page.locator('.chat-row').count()).toBe(1);
    await page.getByLabel('State', { exact: true }).selectOption('');
    await row(page, 911).waitFor();

    // The process ends and starts again.
    server.child.kill('SIGTERM');
    await server.ended;
    await page.getByText('Not connected, trying again').waitFor();
    const again = await startServer({ ...env, SWITCHBOARD_PORT: new URL(server.url).port });
    await page.getByText('Not connected, trying again').waitFor({ state: 'detached' });
    await userOf(again.sandboxUrl, 901, 'User 1').say('after the restart');
    await row(page, 901)
      .getByText('I did not understand')
      .or(row(page, 901).getByText('after the restart'))
      .first()
      .waitFor();
    await expect.poll(() => page.locator('.chat-row').first().getAttribute('data-chat')).toBe('901');
    expect(complaints).toEqual([]);

    // Whose key is revoked is logged out.
    await run(['keys', 'revoke', String(key.split(':')[0])], env).ended;
    await page.getByRole('button', { name: 'Log in' }).waitFor();

    // What a key may not do is not offered.
    await logIn(page, (await createKey(env, 'operator', '--chat', '777')).key);
    await row(page, 777).waitFor();
    expect(await page.locator('.chat-row').count()).toBe(1);
    await row(page, 777).click();
    await line(page, 'Can I help you?').waitFor();
    expect(await page.getByLabel('Message').count()).toBe(0);
    await page.getByRole('button', { name: 'Log out' }).click();
    await logIn(page, (await createKey(env, 'aggregator')).key);
    await page.getByText('This key writes, and reads nothing').waitFor();
  },
);

test('a chat that stands still is retried; dark, and on a phone, one thing at a time', patience, async () => {
  const env = freeEnv();
  await makeQuarantined(String(env.SWITCHBOARD_DATA), ['777']);
  const server = await startServer(env);
  const { key } = await createKey(env, 'admin');
  const { page, complaints } = await openPage({ dark: true });
  await page.goto(`${server.url}/console`);
  await logIn(page, key);
  await page.getByLabel('Which chats').selectOption('quarantined');
  await row(page, 777).getByText('stands still').waitFor();
  await row(page, 777).click();
  await page.getByRole('region', { name: 'Stands still' }).getByText('why').waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('region', { name: 'Stands still' }).waitFor({ state: 'detached' });
  await row(page, 777).waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);

  for (let n = 0; n < 90; n += 1) await userOf(server.sandboxUrl, 777).say(`word ${n}`);
  const phone = await openPage({ width: 390 });
  await phone.page.goto(`${server.url}/console`);
  await logIn(phone.page, key);
  await row(phone.page, 777).waitFor();
  expect(await barriers(phone.page)).toEqual([]);
  await row(phone.page, 777).click();
  await line(phone.page, 'word 89').waitFor();
  expect(await row(phone.page, 777).isVisible()).toBe(false);
  expect(await barriers(phone.page)).toEqual([]);
  expect(await phone.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);

  // Far back, page by page: the window on the transcript stays small, and what is looked at stays where it is.
  await phone.page.evaluate(`(async () => {
    const box = document.querySelector('.lines');
    for (let n = 0; n < 2000 && box.querySelector('[data-seq="1"]') === null; n += 1) {
      box.scrollTop -= 300;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  })()`);
  await line(phone.page, 'word 3').first().waitFor();
  expect(await phone.page.locator('[data-seq]').count()).toBeLessThanOrEqual(200);
  await userOf(server.sandboxUrl, 777).say('the newest of all');
  await phone.page.getByRole('button', { name: 'Newest' }).click();
  await line(phone.page, 'the newest of all').waitFor();
  await phone.page.getByRole('button', { name: 'Status' }).click();
  await phone.page.locator('[data-part="outbox"]').getByText('up').waitFor();
  await phone.page.locator('.spark canvas').first().waitFor();
  expect(await barriers(phone.page)).toEqual([]);
  await phone.page.getByRole('complementary').getByRole('button', { name: 'Back' }).click();
  await phone.page.getByRole('button', { name: 'Back to the chats' }).click();
  await row(phone.page, 777).waitFor();
  expect(phone.complaints).toEqual([]);
});

test(
  'thousands of chats: what happens now is there before the past is indexed, and few of them are drawn',
  patience,
  async () => {
    const env = freeEnv();
    const size = { chats: 3000, entries: 30_000, timers: 0, dueAt: () => 0 };
    await populate(String(env.SWITCHBOARD_DATA), machine, size, () => {});
    const server = await startServer(env);
    const { key } = await createKey(env, 'admin');
    const { page, complaints } = await openPage();
    const oldest = FIRST_CHAT + (7919 % size.chats);
    await page.goto(`${server.url}/console#chat=${oldest}`);
    await logIn(page, key);
    await page.getByText(/Indexed \d+ %/).waitFor();
    await userOf(server.sandboxUrl, 777).say('while it is indexed');
    await row(page, 777).waitFor();
    expect(await page.getByText(/Indexed \d+ %/).count()).toBe(1);
    await page.getByText(/Indexed/).waitFor({ state: 'detached', timeout: 200_000 });
    await page.getByText('3,001 chats').waitFor();
    // The chat that was open from the beginning has all that was said by now.
    await expect.poll(() => page.locator('.line.in').count()).toBe(size.entries / size.chats);
    await row(page, 777).getByText('idle').waitFor();

    await page.evaluate(`(async () => {
    const list = document.querySelector('.chat-rows');
    for (let n = 0; n < 3000 && list.scrollHeight < 78 * 3001; n += 1) {
      list.scrollTop += 2000;
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    list.scrollTop = list.scrollHeight;
  })()`);
    await page.locator('.chat-row[aria-posinset="3001"]').waitFor();
    expect(await page.locator('.chat-row').count()).toBeLessThan(40);
    await page.getByRole('listbox', { name: 'Chats' }).focus();
    await page.keyboard.press('Home');
    await page.locator('.chat-row[aria-posinset="1"]').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Mia' }).waitFor();
    expect(complaints).toEqual([]);
  },
);
