import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, type Env, freeEnv, startServer } from '../cli/support.ts';
import { barriers, logIn, openPage, userOf } from './stage.ts';

const patience = { timeout: 600_000 };

/** The rows that are drawn, as a screen reader says them. */
const rowsOf = (page: Page) =>
  page
    .locator('.sequence-row')
    .evaluateAll((rows) => rows.map((row) => row.querySelector('.said')?.textContent?.trim() ?? ''));

const row = (page: Page, words: string | RegExp) => page.locator('.sequence-row .said').filter({ hasText: words });

async function open(env: Env, hash: string, options: Parameters<typeof openPage>[0] = {}) {
  const server = await startServer(env);
  const [{ key }, opened] = [await createKey(env, 'admin'), await openPage(options)];
  await opened.page.goto(`${server.url}/inspector${hash}`);
  await logIn(opened.page, key);
  return { ...opened, server, key };
}

test(
  "what Switchboard's actors send each other is seen as it happens, of all of them or of one",
  patience,
  async () => {
    const { page, server, complaints } = await open({ ...freeEnv(), SWITCHBOARD_INSPECT: '1' }, '#view=sequence');
    // The bar leads to the pages that are served, and to no other.
    expect(await page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allTextContents()).toEqual(
      (await page.locator('body').getAttribute('data-pages'))
        ?.split(' ')
        .map((name) => name[0]?.toUpperCase() + name.slice(1)),
    );
    await page.locator('[data-actor-state="ingress"]', { hasText: 'polling' }).waitFor();
    await page.locator('[data-actor-state="switchboard"]', { hasText: 'all up' }).waitFor();
    const mia = userOf(server.sandboxUrl, 777);
    await mia.say('/start');
    await row(page, 'telegram to outbox: calls.ended').first().waitFor();
    const rows = await rowsOf(page);
    const order = [
      /^telegram to ingress: poll done/,
      /^ingress to conversations: updates.received/,
      /^conversations to ingress: commit done/,
    ];
    const places = order.map((words) => rows.findIndex((text) => words.test(text)));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    for (const words of [
      /^journal to operators: journal.committed/,
      /^journal to outbox: messages.queued/,
      /^ingress is in committing/,
    ])
      expect(
        rows.some((text) => words.test(text)),
        String(words),
      ).toBe(true);

    // What one brought.
    await row(page, 'updates.received').first().click();
    await page.getByRole('region', { name: 'What was chosen' }).filter({ hasText: 'updates.received' }).waitFor();
    expect(await barriers(page)).toEqual([]);

    // Of one alone.
    await page.getByRole('combobox').selectOption('outbox');
    expect((await rowsOf(page)).every((text) => text.includes('outbox'))).toBe(true);
    await page.getByRole('combobox').selectOption('');

    // Held, it stands still and counts; let go, it goes on.
    await page.getByRole('button', { name: 'Hold' }).click();
    const held = await rowsOf(page);
    await mia.say('/help');
    await page.getByText(/^Held: \d+ since$/).waitFor();
    expect(await rowsOf(page)).toEqual(held);
    await page.getByRole('button', { name: 'Go on' }).click();
    await mia.say('/status');
    await expect.poll(() => rowsOf(page)).not.toEqual(held);

    // A live actor's chart is lit as it moves, and leads here.
    await page.locator('.actors').getByRole('button', { name: 'ingress' }).click();
    await page.locator('.box.lit[data-state="polling"]').waitFor();
    await page.getByRole('button', { name: 'See what it sends and gets' }).click();
    await page.locator('.sequence').waitFor();
    expect(complaints).toEqual([]);
  },
);

test(
  "a chat's sequence has what came, what it did and what it sent, and is walked through as its steps are",
  patience,
  async () => {
    const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
    const { page, server, complaints, key } = await open(env, '#chat=777');
    const mia = userOf(server.sandboxUrl, 777);
    for (const text of ['/start', '/pay 12.50 EUR @anna']) await mia.say(text);
    await page.reload();
    await page.locator('[data-current]', { hasText: 'confirming' }).waitFor();
    await page.getByRole('button', { name: 'Sequence', exact: true }).click();
    await mia.press('Confirm');
    await row(page, 'backend to chat: openPayment done').waitFor();
    await expect
      .poll(() => rowsOf(page))
      .toEqual([
        'user to chat: message.received /start',
        'chat to chat: reply',
        expect.stringMatching(/^chat to user: sendMessage sent \S/),
        'chat is in idle',
        'user to chat: message.received /pay 12.50 EUR @anna',
        'chat to chat: reply, takeDraft',
        expect.stringMatching(/^chat to user: sendMessage sent Pay 12.50 EUR to @anna\?/),
        expect.stringMatching(/^chat to timers: confirmationWait due/),
        'chat is in confirming',
        expect.stringMatching(/^user to chat: callback.received confirm:/),
        'chat to chat: answerCallback, edit',
        'chat to user: answerCallbackQuery sent Confirmed',
        expect.stringMatching(/^chat to user: editMessageText sent Confirmed: 12.50 EUR/),
        expect.stringMatching(/^chat to timers: slowAnswer due/),
        expect.stringMatching(/^chat to backend: openPayment {/),
        'chat is in underWay.asking',
        'backend to chat: openPayment done the backend answered',
        'chat to chat: takePaymentId, reply',
        expect.stringMatching(/^chat to user: sendMessage sent The payment of 12.50 EUR/),
        'chat is in underWay.open',
      ]);
    // Back in time: by the row, and by the step.
    await row(page, 'message.received /pay 12.50').click();
    await page.locator('[data-current]', { hasText: 'confirming' }).waitFor();
    await page.locator('.sequence-row[aria-current="true"]', { hasText: '/pay 12.50' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.sequence-row[aria-current="true"]', { hasText: 'callback.received' }).waitFor();

    // What users write is text, whatever it is.
    await page.getByRole('button', { name: 'Now' }).click();
    await mia.say(
      `<img src=x onerror=alert(1)> \u05e9\u05dc\u05d5\u05dd \ud83d\ude00 ${'long '.repeat(800)}`.slice(0, 4096),
    );
    await row(page, '<img src=x onerror=alert(1)>').waitFor();
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    expect(complaints).toEqual([]);

    const phone = await openPage({ dark: true, width: 390 });
    for (const hash of ['#chat=777&view=sequence', '#view=sequence']) {
      await phone.page.goto(`${server.url}/inspector${hash}`);
      if (hash.includes('chat')) await logIn(phone.page, key);
      await phone.page.locator('.sequence').waitFor();
      await phone.page.locator('.side article').waitFor();
      expect(await barriers(phone.page), hash).toEqual([]);
      expect(await phone.page.evaluate('document.documentElement.scrollWidth'), hash).toBeLessThanOrEqual(390);
    }
    expect(phone.complaints).toEqual([]);
  },
);
