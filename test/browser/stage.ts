import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { launchBrowser } from './launch.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page of a browser of its own, and all that it complained of. */
export async function openPage(options: { readonly width?: number; readonly dark?: boolean } = {}) {
  const browser = await launchBrowser();
  const context = await browser.newContext({
    locale: 'en-GB',
    viewport: { width: options.width ?? 1400, height: 900 },
    colorScheme: options.dark === true ? 'dark' : 'light',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(200_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // A server that restarts, and a key that is revoked, are told in the console by the browser itself.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
      complaints.push(message.text());
  });
  return { page, context, complaints };
}

export async function logIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** A user of the sandbox. */
export function userOf(sandboxUrl: string, id: number, name = 'Mia') {
  const chat = `${sandboxUrl}/sandbox/bots/1:sandbox/chats/${id}`;
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${chat}/${path}`, { method: 'POST', body: JSON.stringify(body) });
    expect(response.status).toBe(200);
  };
  const from = { id, first_name: name };
  return {
    say: (text: string) => post('messages', { text, from }),
    sendPhoto: (base64: string, caption: string) => post('messages', { photo: { base64 }, caption, from }),
    async press(label: string): Promise<void> {
      const { messages } = Object(await (await fetch(chat)).json());
      const buttons = messages.flatMap(({ message_id, reply_markup }: never) =>
        (Object(reply_markup).inline_keyboard ?? []).flat().map((button: object) => ({ message_id, ...button })),
      );
      const found = buttons.findLast((button: { readonly text: string }) => button.text === label);
      await post('callbacks', { message_id: found.message_id, data: found.callback_data });
    },
  };
}

/** What axe finds that would keep somebody from using the page. */
export async function barriers(page: Page): Promise<unknown[]> {
  await page.evaluate(AXE);
  // Without its copies of style sheets: they would be inline, which the page's policy forbids to it too.
  const result = Object(await page.evaluate('axe.run({ preload: false })'));
  return result.violations
    .filter(({ impact }: { readonly impact: string }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }: { readonly id: string; readonly nodes: readonly { readonly html: string }[] }) => [
      id,
      nodes.slice(0, 3).map(({ html }) => html),
    ]);
}

/**
 * Tells a page that nobody sees it, or somebody again, as a browser tells a tab that another one has covered: one that is
 * driven by a test takes all its tabs for seen.
 */
export const setSeen = (page: Page, isSeen: boolean): Promise<void> =>
  page.evaluate(`(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${!isSeen} });
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${isSeen ? 'visible' : 'hidden'}' });
    document.dispatchEvent(new Event('visibilitychange'));
  })()`);
