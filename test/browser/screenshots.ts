import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { loadSettings } from '../../config/load.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { startBrowser } from './browser.ts';

/** Takes the pictures of the pages that the documentation shows: `npm run screenshots`. */

const ROOT = join(import.meta.dirname, '..', '..');

/** By the picture's name: what a person does before it is taken. */
const PICTURES: Readonly<Record<string, (page: Page, url: string) => Promise<void>>> = {
  async sandbox(page, url) {
    await page.goto(`${url}/sandbox#chat=777`);
    const field = page.getByRole('textbox', { name: 'Message', exact: true });
    await page.getByRole('button', { name: '/start' }).click();
    await page.getByText('I make payments for you').first().waitFor();
    await field.fill('/pay 12.50 EUR @anna');
    await field.press('Enter');
    await page.getByRole('button', { name: 'Confirm', exact: true }).click();
    await page.locator('.act', { hasText: 'Backend answered' }).locator('[data-fate=sent]').waitFor();
    await page
      .locator('.message', { hasText: /^\/pay/ })
      .locator('.stamp')
      .click();
    await page.locator('.toast').waitFor({ state: 'detached' });
  },
};

const folder = mkdtempSync(join(tmpdir(), 'switchboard-screenshots-'));
const env = { SWITCHBOARD_DATA: folder, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0' };
const log = createLog('silent', { write: () => {} });
const running = await startSwitchboard(loadSettings(join(ROOT, 'config'), env), log);
const browser = await startBrowser();
try {
  for (const [name, prepare] of Object.entries(PICTURES)) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 760 }, locale: 'en-GB' });
    await prepare(page, running.url);
    await page.screenshot({ path: join(ROOT, 'docs', `${name}.png`) });
    process.stdout.write(`docs/${name}.png\n`);
  }
} finally {
  await browser.close();
  await running.stop();
  rmSync(folder, { recursive: true });
}
