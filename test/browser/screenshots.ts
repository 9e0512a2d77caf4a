import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { loadSettings } from '../../config/load.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { startBrowser } from './start-browser.ts';

/** Takes the pictures of the pages that the documentation shows: `npm run screenshots`. */

const ROOT = join(import.meta.dirname, '..', '..');
const PICTURES = join(ROOT, 'docs', 'pictures');

interface Picture {
  /** docs/pictures/<name>.png */
  readonly name: string;
  readonly address: string;
  /** What is to be there, and done, before it is taken. */
  prepare(page: Page): Promise<void>;
}

const PAGES: readonly Picture[] = [
  {
    name: 'sandbox',
    address: '/sandbox#chat=777',
    async prepare(page) {
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
  },
];

const data = mkdtempSync(join(tmpdir(), 'switchboard-pictures-'));
const env = { SWITCHBOARD_DATA: data, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0' };
const running = await startSwitchboard(loadSettings(join(ROOT, 'config'), env), createLog('warn', process.stderr));
const browser = await startBrowser();
try {
  mkdirSync(PICTURES, { recursive: true });
  for (const { name, address, prepare } of PAGES) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'UTC' });
    await page.goto(running.url + address);
    await prepare(page);
    await page.screenshot({ path: join(PICTURES, `${name}.png`), animations: 'disabled', caret: 'hide' });
    await page.close();
  }
} finally {
  await browser.close();
  await running.stop();
  rmSync(data, { recursive: true, force: true });
}
