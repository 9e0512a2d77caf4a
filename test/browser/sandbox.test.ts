import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { freeEnv, startServer } from '../cli/support.ts';
import { barriers, openPage } from './stage.ts';

const patience = { timeout: 600_000 };

const field = (page: Page) => page.getByRole('textbox', { name: 'Message', exact: true });
const message = (page: Page, words: string | RegExp) => page.locator('.message', { hasText: words }).last();
const did = (page: Page) => page.getByRole('complementary', { name: 'What Switchboard did' });
/** What Switchboard did because of something that has these words. */
const act = (page: Page, words: string | RegExp) => did(page).locator('.act', { hasText: words }).last();

async function say(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press('Enter');
  await expect.poll(() => field(page).inputValue()).toBe('');
}

async function makeWrong(page: Page, what: string): Promise<void> {
  await page.locator('summary[aria-label="Make something go wrong"]').click();
  await page.getByRole('button', { name: what }).click();
}

/** Calls the Bot API as the bot itself. */
const bot = (sandboxUrl: string) => async (method: string, params: object) => {
  const headers = { 'content-type': 'application/json' };
  const init = { method: 'POST', headers, body: JSON.stringify(params) };
  return Object(await (await fetch(`${sandboxUrl}/bot1:sandbox/${method}`, init)).json());
};

test('a newcomer opens the address that is printed first, and pays', patience, async () => {
  const server = await startServer();
  const [first = ''] = server.stdout().split('\n');
  const { event, url: address } = JSON.parse(first);
  expect([event, address]).toEqual(['open', `${server.url}/sandbox`]);

  const { page, complaints } = await openPage();
  await page.goto(address);
  // Somebody is there already; somebody else is made.
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  await page.getByRole('button', { name: 'User', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Zoë Quist');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.getByRole('heading', { name: 'Zoë Quist' }).waitFor();
  expect(await did(page).textContent()).toContain('Nothing yet');
  expect(await did(page).getByRole('link', { name: 'Inspector' }).count()).toBe(0);
  await page.getByRole('button', { name: '/start' }).click();
  await message(page, 'I make payments for you').waitFor();

  await say(page, '/pay 12.50 EUR @anna');
  await act(page, 'begins').or(act(page, '/pay')).first().waitFor();
  await page.getByRole('button', { name: 'Confirm', exact: true }).click();
  await page.locator('.toast', { hasText: 'Confirmed' }).waitFor();
  await message(page, 'Its number is pay_').waitFor();
  await message(page, 'I am asking the payment service').getByText('edited').waitFor();
  expect(await page.getByRole('button', { name: 'Confirm', exact: true }).count()).toBe(0);

  // Beside it: every step, in the order of the journal, and what became of each message.
  await act(page, 'Backend answered openPayment').locator('[data-fate=sent]').waitFor();
  await expect.poll(() => did(page).locator('[data-fate]:not([data-fate=sent])').count()).toBe(0);
  const steps = await did(page).locator('.move').allTextContents();
  expect(steps.map((step) => step.replace(/\s+/g, ' ').trim())).toEqual([
    ...['payment begins idle', 'payment idle confirming', 'payment confirming underWay.asking'],
    'payment underWay.asking underWay.open',
  ]);
  const seqs = (await did(page).locator('.seq').allTextContents()).map((seq) => Number(seq.slice(1)));
  expect(seqs.toSorted((a, b) => a - b)).toEqual(seqs.map((_, i) => i + 1));

  // A message and what belongs to it are found from either side.
  await message(page, '/pay 12.50').locator('.stamp').click();
  expect(await did(page).locator('.act.chosen').allTextContents()).toEqual([expect.stringContaining('idle')]);
  await act(page, 'Button pressed').locator('.act-head').click();
  expect(await page.locator('.message.chosen').allTextContents()).toEqual([expect.stringContaining('Confirmed:')]);

  // One's own last message is changed with the arrow upwards.
  await field(page).press('ArrowUp');
  await expect.poll(() => field(page).inputValue()).toBe('/pay 12.50 EUR @anna');
  await say(page, '/pay 99 EUR @anna');
  await message(page, '/pay 99 EUR').getByText('edited').waitFor();
  await act(page, /Edit/).locator('[data-fate=sent]').waitFor();

  await page.locator('summary[aria-label="Send a photo or a file"]').click();
  await page.getByRole('button', { name: 'A sample photo' }).click();
  await expect.poll(() => page.evaluate("document.querySelector('img.photo')?.naturalWidth")).toBe(640);
  await act(page, 'Photo').locator('[data-fate=sent]').waitFor();
  await page.getByLabel('A photo or a file', { exact: true }).setInputFiles({
    ...{ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') },
  });
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /notes\.txt/ }).click();
  expect((await download).suggestedFilename()).toBe('notes.txt');

  // The process ends and starts again. The sandbox forgets its chats; the page says so, and keeps its users.
  server.child.kill('SIGTERM');
  await server.ended;
  await page.getByText('Not connected').waitFor();
  const again = { ...server.env, SWITCHBOARD_PORT: new URL(server.url).port };
  await startServer(again);
  await page.getByText('Not connected').waitFor({ state: 'detached' });
  await page.getByText('The sandbox has begun anew').waitFor();
  await say(page, '/status');
  await message(page, 'is open under the number pay_').waitFor();
  await act(page, '/status').locator('[data-fate=sent]').waitFor();
  expect(complaints).toEqual([]);
});

test('what goes wrong is seen: a lost answer, a refusal, a pause, a block, an outage', patience, async () => {
  const { url } = await startServer();
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox#chat=777`);
  await say(page, '/start');
  await message(page, 'I make payments').waitFor();

  await makeWrong(page, 'Lost answer');
  await page.getByText('Goes wrong next: lost answer (chat 777)').waitFor();
  await say(page, '/help');
  await act(page, '/help').locator('[data-fate=unknown]').waitFor();
  await act(page, '/help').getByText('No answer from Telegram to sendMessage').waitFor();
  // It did arrive: nobody but Telegram knows.
  await message(page, 'cancel').waitFor();
  await page.getByText('Goes wrong next').waitFor({ state: 'detached' });

  await makeWrong(page, 'Connection cut');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByText('Goes wrong next').waitFor({ state: 'detached' });
  await makeWrong(page, 'Server error');
  await say(page, '/status');
  await act(page, '/status').locator('[data-fate=sent]').waitFor();
  await message(page, 'No payment is open').waitFor();

  // Told to wait, it waits, and does not send it twice.
  await makeWrong(page, 'Too many messages: 429, this chat');
  const before = performance.now();
  await say(page, '/status in a while');
  await act(page, 'in a while').getByText('on its way').waitFor();
  await act(page, 'in a while').locator('[data-fate=sent]').waitFor();
  expect(performance.now() - before).toBeGreaterThan(4900);
  await expect.poll(() => page.locator('.from-bot', { hasText: 'No payment is open' }).count()).toBe(2);

  await page.getByRole('button', { name: 'Block the bot' }).click();
  await page.getByText('bot blocked').waitFor();
  await say(page, '/start again');
  await act(page, '/start again').locator('[data-fate=failed]').waitFor();
  await act(page, '/start again').getByText('403 Forbidden: bot was blocked by the user').waitFor();
  await page.getByRole('button', { name: 'Unblock the bot' }).click();
  await act(page, 'The bot may write here').waitFor();
  await say(page, '/start');
  await act(page, '/start').locator('[data-fate=sent]').waitFor();

  await makeWrong(page, 'Offline');
  await page.getByText('Offline: Switchboard cannot reach Telegram').waitFor();
  await say(page, '/status please');
  await message(page, '/status please').waitFor();
  await page.getByRole('button', { name: 'Go online' }).click();
  await act(page, '/status please').locator('[data-fate=sent]').waitFor();
  expect(complaints).toEqual([]);
});

test('in a group two people write, each for themselves; elsewhere what is new is counted', patience, async () => {
  const { url, sandboxUrl } = await startServer();
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox`);
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByLabel('Title').fill('Weekend');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.locator('.service', { hasText: 'Sandbox Bot joined' }).waitFor();
  await page.getByText('2 members and the bot').waitFor();
  const asBen = page.getByLabel('Write as');
  await say(page, '/pay 3 EUR @ben');
  await message(page, 'Pay 3.00 EUR').waitFor();
  await asBen.selectOption({ label: 'Ben' });
  await say(page, '/pay 4 EUR @mia');
  await message(page, 'Pay 4.00 EUR').waitFor();
  // Ben's press on Mia's question is refused; on his own it is not.
  await message(page, 'Pay 3.00 EUR')
    .locator('..')
    .getByRole('button', { name: 'Confirm', exact: true })
    .first()
    .click();
  await page.locator('.toast').waitFor();
  await message(page, 'Pay 4.00 EUR').getByRole('button', { name: 'Confirm', exact: true }).click();
  await message(page, 'The payment of 4.00 EUR').waitFor();
  const names = await page.locator('.message.from-user .sender').allTextContents();
  expect(names).toEqual(['Mia', 'Ben']);

  await page.getByRole('button', { name: 'Remove the bot' }).click();
  await page.getByText('bot removed').waitFor();
  await page.locator('[data-chat="777"]').click();
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  await say(page, '/start');
  await message(page, 'I make payments').waitFor();
  await page.locator('[data-chat="778"]').click();
  await page.getByText('Nobody has written here yet').waitFor();
  await bot(sandboxUrl)('sendMessage', { chat_id: 777, text: 'Are you there?' });
  await page.locator('[data-chat="777"]').getByLabel('1 unread').waitFor();
  expect(await page.locator('[data-chat="777"]').textContent()).toContain('Bot: Are you there?');
  expect(complaints).toEqual([]);
});

const STRANGE = '<img src=x onerror=alert(1)><script>alert(2)</script> שלום עולם مرحبا 😀👩‍👩‍👧';

test('whatever is written looks right and runs nothing, in light, in dark, and on a phone', patience, async () => {
  const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
  const { url, sandboxUrl } = await startServer(env);
  const call = bot(sandboxUrl);
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox`);
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await say(page, STRANGE);
  await act(page, '<img src=x').locator('[data-fate=sent]').waitFor();
  await say(page, 'y'.repeat(4096));
  await act(page, 'yyy').locator('[data-fate=sent]').waitFor();
  expect(await message(page, STRANGE).locator('.text').textContent()).toBe(STRANGE);
  expect(
    await message(page, /y{4096}/)
      .locator('.text')
      .textContent(),
  ).toHaveLength(4096);
  expect(await page.getByText('שלום').first().getAttribute('dir')).toBe('auto');

  // Formatting comes from entities; no link leads into the page itself.
  await call('sendMessage', {
    chat_id: 777,
    parse_mode: 'HTML',
    text:
      '<b>bold <i>both</i></b> <code>x &lt; y</code> <tg-spoiler>secret</tg-spoiler> <pre>line\n  two</pre>' +
      ' <a href="https://example.com/a">there</a> <blockquote>said</blockquote>',
  });
  const entities = [{ type: 'text_link', offset: 0, length: 5, url: 'javascript:alert(3)' }];
  await call('sendMessage', { chat_id: 777, text: 'click me', entities });
  const formatted = message(page, 'bold both');
  await formatted.locator('b > i', { hasText: 'both' }).waitFor();
  await formatted.locator('code', { hasText: 'x < y' }).waitFor();
  expect(await formatted.locator('pre').textContent()).toBe('line\n  two');
  expect(await formatted.getByRole('link', { name: 'there' }).getAttribute('href')).toBe('https://example.com/a');
  await formatted.getByRole('button', { name: 'Show what is hidden' }).click();
  await formatted.locator('.spoiler.shown', { hasText: 'secret' }).waitFor();
  await message(page, 'click me').waitFor();
  expect(await page.locator('a[href^="javascript"], .messages script, img[src="x"]').count()).toBe(0);

  // What the bot answers to a press: some words for a moment, or an alert that waits.
  const buttons = { inline_keyboard: [[{ text: 'Ask', callback_data: 'ask' }]] };
  await call('sendMessage', { chat_id: 777, text: 'A button', reply_markup: buttons });
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  // No conversation has sent it, so that none hears of the press.
  await act(page, 'Button pressed').waitFor();
  const query = { callback_query_id: '10000000001' };
  await call('answerCallbackQuery', { ...query, text: 'Just so' });
  await page.locator('.toast', { hasText: 'Just so' }).waitFor();
  await call('answerCallbackQuery', { ...query, show_alert: true, text: STRANGE });
  const alert = page.getByRole('dialog', { name: 'The bot says' });
  expect(await alert.locator('p').textContent()).toBe(STRANGE);
  expect(await barriers(page)).toEqual([]);
  await alert.getByRole('button', { name: 'OK' }).click();
  await alert.waitFor({ state: 'detached' });

  // A picture and a file of the bot's.
  for (const [method, field, name] of [
    ['sendPhoto', 'photo', 'p.gif'],
    ['sendDocument', 'document', 'page.html'],
  ] as const) {
    const form = new FormData();
    form.set('chat_id', '777');
    form.set('caption', `here is ${name}`);
    form.set(field, new Blob([Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAA=', 'base64')], { type: 'text/html' }), name);
    await fetch(`${sandboxUrl}/bot1:sandbox/${method}`, { method: 'POST', body: form });
    await message(page, `here is ${name}`).waitFor();
  }
  await expect.poll(() => page.evaluate("document.querySelector('img.photo')?.naturalWidth")).toBe(1);
  await message(page, 'here is page.html').getByRole('link', { name: 'page.html' }).waitFor();

  // What the bot shows, changes, and takes away.
  const gone = await call('sendMessage', { chat_id: 777, text: 'soon gone' });
  await message(page, 'soon gone').waitFor();
  await call('deleteMessage', { chat_id: 777, message_id: gone.result.message_id });
  await page.locator('.message', { hasText: 'soon gone' }).waitFor({ state: 'detached' });
  await call('sendChatAction', { chat_id: 777, action: 'typing' });
  await page.getByText('The bot is typing…').waitFor();
  const reply_markup = { keyboard: [['Yes'], [{ text: 'My number', request_contact: true }]], one_time_keyboard: true };
  await call('sendMessage', { chat_id: 777, text: 'Well?', reply_markup });
  await page.getByRole('button', { name: 'My number' }).click();
  await message(page, '+1000').waitFor();
  await page.getByRole('button', { name: 'My number' }).waitFor({ state: 'detached' });
  expect(await barriers(page)).toEqual([]);
  await page.locator('summary[aria-label="Make something go wrong"]').click();
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  expect(await barriers(page)).toEqual([]);
  // Where the inspector is served, it is one click away.
  await page.keyboard.press('Escape');
  expect(await did(page).getByRole('link', { name: 'Inspector' }).getAttribute('href')).toBe('inspector#chat=777');
  expect(complaints).toEqual([]);

  const phone = await openPage({ dark: true, width: 390 });
  await phone.page.goto(`${url}/sandbox`);
  const width = () => phone.page.evaluate('document.documentElement.scrollWidth');
  await phone.page.locator('[data-chat="777"]').waitFor();
  expect([await barriers(phone.page), await width()]).toEqual([[], 390]);
  await phone.page.locator('[data-chat="777"]').click();
  await message(phone.page, '+1000').waitFor();
  expect([await barriers(phone.page), await width()]).toEqual([[], 390]);
  await message(phone.page, 'click me').locator('.stamp').click();
  await did(phone.page).waitFor();
  expect([await barriers(phone.page), await width()]).toEqual([[], 390]);
  await phone.page.getByRole('button', { name: 'To the chat', exact: true }).click();
  await field(phone.page).waitFor();
  expect(phone.complaints).toEqual([]);
});

test('a chat of 10,000 messages stays fluid', patience, async () => {
  const { url, sandboxUrl } = await startServer();
  const { page, complaints } = await openPage();
  await page.goto(`${url}/sandbox`);
  await page.getByRole('heading', { name: 'Mia' }).waitFor();
  await page.getByRole('button', { name: 'Group', exact: true }).click();
  await page.getByLabel('Title').fill('Busy');
  await page.getByRole('button', { name: 'Make', exact: true }).click();
  await page.locator('.service', { hasText: 'Sandbox Bot joined' }).waitFor();
  const chat_id = Number(await page.locator('[aria-current=true][data-chat]').getAttribute('data-chat'));
  const from = { id: 777, first_name: 'Mia' };
  for (let sent = 0; sent < 10_000; sent += 500) {
    const messages = Array.from({ length: 500 }, (_, i) => ({ chat_id, from, text: `word ${sent + i}` }));
    const body = JSON.stringify({ messages });
    await fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/messages`, { method: 'POST', body });
  }
  await message(page, 'word 9999').waitFor();
  await act(page, 'word 9999').waitFor();
  expect(await page.locator('.message').count()).toBe(100);
  expect(await page.locator('.act').count()).toBe(60);
  await page.getByRole('button', { name: 'Earlier messages' }).click();
  await page.locator('.message', { hasText: 'word 9800' }).waitFor();
  // One more message costs the page a few elements, however many there are.
  await page.evaluate(`
    globalThis.made = 0;
    new MutationObserver((records) => {
      globalThis.made += records.reduce((sum, { addedNodes }) => sum + addedNodes.length, 0);
    }).observe(document.body, { childList: true, subtree: true });
  `);
  await say(page, 'still here');
  await message(page, 'still here').waitFor();
  await act(page, 'still here').waitFor();
  const made = Number(await page.evaluate('made'));
  expect(made).toBeGreaterThan(0);
  expect(made).toBeLessThan(100);

  // Many more chats than the list has room for: the one that is looked at stays.
  const strangers = Array.from({ length: 900 }, (_, i) => ({ chat_id: 5000 + i, text: 'hello' }));
  const body = JSON.stringify({ messages: strangers });
  await fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/messages`, { method: 'POST', body });
  await page.locator('[data-chat="5899"]').waitFor();
  expect(await page.locator('.chat-row').count()).toBeLessThanOrEqual(402);
  await message(page, 'still here').waitFor();
  await page.reload();
  await message(page, 'still here').waitFor();
  await page.getByRole('heading', { name: 'Busy' }).waitFor();
  expect(complaints).toEqual([]);
});
