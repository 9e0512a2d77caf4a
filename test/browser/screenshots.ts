import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { loadSettings } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { play, quarantineOne, SHOWN } from './scene.ts';
import { startBrowser } from './start-browser.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PICTURES = join(ROOT, 'docs', 'pictures');
const SIZE = { width: 1280, height: 800 };
const BYTES_MAX = 200_000;
const POINTS_AFTER = 4;

interface Picture {
  /** docs/pictures/<name>.png */
  readonly name: string;
  readonly address: string;
  /** It is open before the users play: it shows what happened meanwhile. */
  readonly early?: true;
  /** What is to be there, and done, before it is taken. */
  prepare(page: Page): Promise<void>;
}

/** The pictures of the README: an entry each. A page that this Switchboard does not serve is left out. */
const PAGES: readonly Picture[] = [
  {
    name: 'inspector',
    address: `/inspector#machine=payment&chat=${SHOWN}`,
    async prepare(page) {
      await page.locator('.box.lit[data-state="underWay.open"]').waitFor();
      await page.locator('.step').nth(3).waitFor();
    },
  },
  {
    name: 'inspector-sequence',
    address: `/inspector#machine=payment&chat=${SHOWN}&view=sequence`,
    async prepare(page) {
      await page.locator('.sequence-row.state', { hasText: 'underWay.open' }).waitFor();
    },
  },
  {
    name: 'console',
    address: `/console#chat=${SHOWN}`,
    early: true,
    async prepare(page) {
      await page.locator('.line').first().waitFor();
      await page.locator('.chat-row', { hasText: 'stands still' }).waitFor();
      await page.locator('.spark canvas').first().waitFor();
      await page.locator('progress').waitFor({ state: 'detached' });
      // A few points more after the play: its charts come back to rest.
      for (let n = 0; n < POINTS_AFTER; n += 1) await page.waitForResponse(/\/v1\/console\/overview$/);
    },
  },
  {
    name: 'sandbox',
    address: `/sandbox#chat=${SHOWN}`,
    async prepare(page) {
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
const env = { SWITCHBOARD_DATA: data, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0', SWITCHBOARD_INSPECT: '1' };
await quarantineOne(data);
const db = openDatabase(data);
const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
const { text: key } = keyring.create({ role: 'admin', name: 'ada', chats: null, expiresAt: null });
keyring.close();
db.close();
const running = await startSwitchboard(loadSettings(join(ROOT, 'config'), env), createLog('warn', process.stderr));
const browser = await startBrowser();
try {
  mkdirSync(PICTURES, { recursive: true });
  const context = await browser.newContext({
    viewport: SIZE,
    colorScheme: 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  const logIn = { method: 'POST', data: { key } } as const;
  await context.request.fetch(`${running.url}/v1/session`, logIn);
  const open = async ({ address }: Picture) => {
    const page = await context.newPage();
    const response = await page.goto(running.url + address);
    return { page, served: response?.status() !== 404 };
  };
  const early = new Map<Picture, Awaited<ReturnType<typeof open>>>();
  for (const picture of PAGES.filter((one) => one.early)) early.set(picture, await open(picture));
  await play({ url: running.url, sandboxUrl: String(running.sandboxUrl), key });
  for (const picture of PAGES) {
    const { page, served } = early.get(picture) ?? (await open(picture));
    const { name, prepare } = picture;
    if (!served) {
      process.stdout.write(`${name}: not served, left out\n`);
    } else {
      await prepare(page);
      const path = join(PICTURES, `${name}.png`);
      await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
      const { size } = statSync(path);
      process.stdout.write(`${name}: ${Math.round(size / 1000)} kB\n`);
      if (size > BYTES_MAX) process.exitCode = 1;
    }
    await page.close();
  }
} finally {
  await browser.close();
  await running.stop();
  rmSync(data, { recursive: true, force: true });
}
