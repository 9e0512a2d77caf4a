import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { chromium, type Page } from 'playwright-core';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { unpackChromium } from '../browser/chromium.ts';
import { type Bench, percentile, perS } from './bench.ts';
import { machine } from './counting.machine.ts';
import type { LoadOrder } from './load-server.ts';
import { populate } from './population.ts';
import { startPeer } from './process.ts';

const CHATS = 100_000;
const ENTRIES = 300_000;
const UPDATES = 100_000;
const SCREENS = 300;

/**
 * The console on a bot of 100,000 chats and 300,000 entries, in a real Chromium: how long until the first chats are there,
 * how long until all of the past is indexed, and how smooth the list is while one scrolls through thousands of chats, with
 * updates coming in. And what it costs the bot: the same burst of updates while nobody looks, and while somebody does.
 */
export async function consolePage({ folder, print }: Bench): Promise<void> {
  const size = { chats: CHATS, entries: ENTRIES, timers: 0, dueAt: () => 0 };
  await populate(folder, machine, size, (line) => print('building', line));
  const db = openDatabase(folder);
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  const { text: key } = keyring.create({ role: 'admin', name: 'bench', chats: null, expiresAt: null });
  keyring.close();
  db.close();

  const server = startPeer('load-server.ts', []);
  const { url: root } = await server.message<{ url: string }>('url');
  const peer = startPeer('switchboard-peer.ts', ['counting'], {
    TELEGRAM_BOT_TOKEN: '1:load',
    TELEGRAM_API_ROOT: root,
    SWITCHBOARD_PORT: '0',
    SWITCHBOARD_DATA: folder,
  });
  const { url } = await peer.message<{ url: string }>('url');
  async function burst(): Promise<string> {
    const done = server.message<{ ms: number }>('done');
    const cpuBefore = peer.cpuS();
    server.child.send({ mode: 'burst', updates: UPDATES, chats: 10_000 } satisfies LoadOrder);
    const { ms } = await done;
    return `${perS(UPDATES, ms)}, ${(((peer.cpuS() - cpuBefore) * 1e6) / UPDATES).toFixed(0)} µs of CPU each, all threads`;
  }
  await burst();
  print('updates taken while nobody looks', await burst());

  const { executablePath, env } = await unpackChromium(tmpdir());
  const args = ['--no-sandbox', '--disable-setuid-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];
  const browser = await chromium.launch({ executablePath, env: { ...env, TMPDIR: tmpdir() }, args });
  const page = await (await browser.newContext({ locale: 'en-GB', viewport: { width: 1400, height: 900 } })).newPage();
  await page.goto(`${url}/console`);
  await page.getByLabel('Key').fill(key);
  const loggedInAt = performance.now();
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('.chat-row').first().waitFor();
  print('from the log-in to the first chats', `${Math.round(performance.now() - loggedInAt)} ms`);
  await page.locator('progress').waitFor({ state: 'detached', timeout: 300_000 });
  const indexMs = performance.now() - loggedInAt;
  const entries = ENTRIES + 2 * UPDATES;
  print(
    `${entries.toLocaleString('en')} entries indexed in`,
    `${(indexMs / 1000).toFixed(1)} s, ${perS(entries, indexMs)}`,
  );

  print('scrolled, quiet', await scrolled(page));
  server.child.send({ mode: 'paced', perS: 500, seconds: 20 } satisfies LoadOrder);
  print('scrolled, with 500 updates a second', await scrolled(page));
  print('the page then', await weight(page));
  await server.message('done');
  print('updates taken while the page is open', await burst());
  const paced = server.message<{ ms: number }>('done');
  server.child.send({ mode: 'paced', perS: 5000, seconds: 5 } satisfies LoadOrder);
  print('updates of 5 s, 5,000 a second, while the page is open', `taken in ${((await paced).ms / 1000).toFixed(2)} s`);
  await browser.close();
  await peer.stop();
  await server.stop();
}

/** Wheels down through thousands of chats. Gives the times between frames. */
async function scrolled(page: Page): Promise<string> {
  const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
    const list = document.querySelector('.chat-rows');
    const frames = [];
    let [last, screens] = [performance.now(), 0];
    const frame = (now) => {
      frames.push(now - last);
      last = now;
      list.scrollTop += list.clientHeight * 0.4;
      if ((screens += 1) < ${SCREENS}) requestAnimationFrame(frame);
      else resolve(frames);
    };
    requestAnimationFrame(frame);
  })`);
  const at = (share: number): string => percentile(frames, share).toFixed(1);
  return `frames of ${at(0.5)} ms median, ${at(0.95)} p95, ${at(0.99)} p99, ${Math.max(...frames).toFixed(0)} worst`;
}

async function weight(page: Page): Promise<string> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const rows = await page.locator('.chat-row').count();
  const known = await page.evaluate(
    "Math.round(document.querySelector('.rows-space').clientHeight / document.querySelector('.chat-row').offsetHeight)",
  );
  return `${known} chats loaded, ${rows} of them drawn, ${(usedSize / 2 ** 20).toFixed(1)} MiB of heap`;
}
