import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { launchBrowser } from './launch.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A page of a browser of its own, and all that it complained of. */
export async function openPage(options: { readonly width?: number; readonly dark?: boolean } = {}) {
  const browser = await launchBrowser();
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1400, height: 900 },
    colorScheme: options.dark === true ? 'dark' : 'light',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // A server that restarts is told in the console by the browser itself.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
      complaints.push(message.text());
  });
  return { page, context, complaints };
}

/** What axe finds that would keep somebody from using the page. */
export async function barriers(page: Page): Promise<unknown[]> {
  await page.evaluate(AXE);
  const result = Object(await page.evaluate('axe.run()'));
  return result.violations
    .filter(({ impact }: { readonly impact: string }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }: { readonly id: string; readonly nodes: readonly { readonly html: string }[] }) => [
      id,
      nodes.slice(0, 3).map(({ html }) => html),
    ]);
}
