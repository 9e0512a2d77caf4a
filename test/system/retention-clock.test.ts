import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { createSqliteMark } from '../../src/journal/sqlite-mark.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { freeEnv } from '../cli/support.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');
const TOKEN = '1:a-token-of-the-test-of-what-retention-believes';

/** A data folder whose last process ran long ago, and wrote two entries then. */
async function oldFolder(): Promise<string> {
  const folder = temporaryFolder();
  const clock = manualClock();
  const journal = openJournal(folder, clock);
  for (let n = 0; n < 2; n += 1)
    await journal.write(async (tx) => tx.append({ type: 'update.received', chat: '7', body: '{"update":{}}' }));
  await journal.close();
  const db = openDatabase(folder);
  createSqliteMark(db).write(clock.now());
  db.close();
  return folder;
}

/** Starts on such a folder, and looks for what is old all the time. */
async function start(more: Record<string, string>) {
  const { retentionEveryMs, clockDoubtToldMs } = limits;
  Object.assign(limits, { retentionEveryMs: 20, clockDoubtToldMs: 0 });
  onTestFinished(() => void Object.assign(limits, { retentionEveryMs, clockDoubtToldMs }));
  const env = { ...freeEnv(), ...more, SWITCHBOARD_DATA: await oldFolder() };
  const settings = loadSettings(CONFIG, env);
  const lines: { event?: string; from?: number }[] = [];
  const running = await startSwitchboard(
    { ...settings, retention: { days: 1, entries: null } },
    createLog('info', { write: (line: string) => void lines.push(JSON.parse(line)) }),
  );
  onTestFinished(() => running.stop());
  const untilLogged = (event: string) =>
    vi.waitFor(() => expect(lines.map((line) => line.event)).toContain(event), 30_000);
  const dataPart = async () => JSON.parse(await (await fetch(`${running.url}/readyz`)).text()).parts.data;
  return { lines, untilLogged, dataPart };
}

test('a server that was down for long: what is old goes once Telegram has told its time', async () => {
  const telegram = await createSandbox({ port: 0, clock: systemClock, random: Math.random });
  onTestFinished(() => telegram.close());
  const { lines, untilLogged } = await start({ TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_API_ROOT: telegram.url });
  await untilLogged('retention');
  expect(lines.find(({ event }) => event === 'retention')).toMatchObject({ from: 1 });
});

test('the sandbox of the process has its clock, and proves nothing: nothing goes, and that is told', async () => {
  const { lines, untilLogged, dataPart } = await start({});
  await untilLogged('retention_doubts_clock');
  // Its poller has had an answer by then.
  await vi.waitFor(async () => expect(await dataPart()).toMatchObject({ state: 'degraded' }), 30_000);
  expect(lines.map(({ event }) => event)).not.toContain('retention');
});
