import type { Browser } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { startBrowser } from './start-browser.ts';

/** A real Chromium for one test, closed with it. */
export async function launchBrowser(): Promise<Browser> {
  const browser = await startBrowser();
  onTestFinished(() => browser.close());
  return browser;
}
