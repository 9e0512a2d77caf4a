import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, type Env, freeEnv, startServer } from '../cli/support.ts';
import { logIn, openPage, setSeen, userOf } from './stage.ts';

const patience = { timeout: 600_000 };

/** What is there when the page is. */
const READY: Readonly<Record<string, string>> = {
  sandbox: '.message',
  console: '.chat-row[data-chat="777"]',
  inspector: '[data-current]',
};
const address = (url: string, name: string): string =>
  `${url}/${name}#${name === 'console' ? '' : `chat=777${name === 'inspector' ? '&view=sequence' : ''}`}`;

test(
  'eight tabs of one browser do not keep each other waiting, and one that is looked at again knows what happened',
  patience,
  async () => {
    const env: Env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
    const server = await startServer(env);
    const [{ key }, { page, context }] = [await createKey(env, 'admin'), await openPage()];
    const [mia, ben] = [userOf(server.sandboxUrl, 777), userOf(server.sandboxUrl, 778, 'Ben')];
    await mia.say('/start');
    await page.goto(`${server.url}/console`);
    await logIn(page, key);
    await page.locator('.chat-row').first().waitFor();
    await page.close();

    const tabs: { readonly name: string; readonly page: Page }[] = [];
    for (const name of ['sandbox', 'sandbox', 'console', 'inspector', 'console', 'sandbox', 'inspector', 'console']) {
      const before = tabs.at(-1);
      if (before !== undefined) await setSeen(before.page, false);
      const tab = await context.newPage();
      tabs.push({ name, page: tab });
      await tab.goto(address(server.url, name));
      await tab
        .locator(READY[name] ?? '')
        .first()
        .waitFor();
    }

    // Meanwhile in the others; then each of them is looked at.
    await mia.say('/pay 12.50 EUR @anna');
    await ben.say('/start');
    await tabs.at(-1)?.page.locator('.chat-row[data-chat="778"]').waitFor();
    await setSeen(Object(tabs.at(-1)).page, false);
    for (const { name, page: tab } of tabs) {
      await setSeen(tab, true);
      if (name === 'sandbox') {
        await tab.locator('.message', { hasText: 'Pay 12.50 EUR to @anna?' }).waitFor();
        await tab.locator('.act', { hasText: '/pay 12.50' }).locator('[data-fate=sent]').first().waitFor();
        await tab.locator('[data-chat="778"] .badge').waitFor();
      } else if (name === 'console')
        await tab.locator('.chat-row[data-chat="777"]', { hasText: 'Pay 12.50 EUR' }).waitFor();
      else await tab.locator('[data-current]', { hasText: 'confirming' }).waitFor();
      expect(await tab.getByText('Not connected').count()).toBe(0);
      await setSeen(tab, false);
    }

    // One that has heard something goes on behind it, and all that was loaded stays.
    const last: Page = Object(tabs.at(-1)).page;
    const asked: string[] = [];
    last.on('request', (request) => asked.push(request.url()));
    await ben.say('how are you');
    await setSeen(last, true);
    await last.locator('.chat-row[data-chat="778"]', { hasText: /I did not understand|how are you/ }).waitFor();
    expect(asked.filter((url) => url.includes('/v1/events?last_event_id='))).toHaveLength(1);
    expect(asked.filter((url) => url.includes('/v1/console/chats?') && !url.includes('id='))).toEqual([]);
  },
);
