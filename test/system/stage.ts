import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { machineEnv } from '../support/environment.ts';
import { temporaryFolder } from '../support/journal.ts';
import { createOperator, type Operator } from './operator.ts';
import { freePort } from './ports.ts';
import { createPulse } from './pulse.ts';
import { createWire, type Wire, type WireOptions } from './wire.ts';

export const BOT = '4242';
const TOKEN = `${BOT}:a-token-of-the-test-that-kills-its-bot`;

/** What outlives Switchboard: the Bot API server, the wire to it, the data folder, an operator. All ends with the test. */
export interface Stage {
  readonly folder: string;
  /** Where Switchboard serves, in each of its lives. */
  readonly url: string;
  readonly wire: Wire;
  /** Reads from the first entry on. Its pulse beats with what it hears and with each batch on the wire. */
  readonly operator: Operator;
  /** The operator's key. */
  readonly key: string;
  /** An aggregator's key. */
  readonly writerKey: string;
  /** The sandbox's control API of the bot: GET without a body, else POST, unless it is said. Gives parsed JSON. */
  control(path: string, body?: object, method?: string): ReturnType<typeof JSON.parse>;
  /** Starts Switchboard in a process of its own; resolves when it serves. */
  startLife(): Promise<ChildProcess>;
  /** As `startLife`, without waiting for it to serve. */
  beginLife(): Life;
}

export interface Life {
  readonly child: ChildProcess;
  /** Rejects where it ends before. */
  readonly serves: Promise<void>;
}

export async function setStage(
  watch: Pick<WireOptions, 'at' | 'onUpdates'>,
  random: () => number,
  pace: 'as-shipped' | 'unhurried' = 'unhurried',
): Promise<Stage> {
  const folder = temporaryFolder();
  const sandbox = await createSandbox({ port: 0, clock: systemClock, random, flood: 'off' });
  onTestFinished(() => sandbox.close());
  const pulse = createPulse();
  const wire = await createWire({
    target: sandbox.url,
    at: watch.at,
    onUpdates(ids) {
      watch.onUpdates(ids);
      pulse.beat();
    },
  });
  onTestFinished(() => wire.close());
  const [key, writerKey] = [createKey(folder, 'operator'), createKey(folder, 'aggregator')];
  const port = await freePort();
  const env = {
    ...machineEnv(),
    TELEGRAM_BOT_TOKEN: TOKEN,
    TELEGRAM_API_ROOT: wire.url,
    SWITCHBOARD_DATA: folder,
    SWITCHBOARD_PORT: String(port),
  };
  return {
    folder,
    url: `http://127.0.0.1:${port}`,
    wire,
    operator: createOperator(key, '?from=earliest', pulse),
    key,
    writerKey,
    async control(path, body, method = body === undefined ? 'GET' : 'POST') {
      const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await fetch(`${sandbox.url}/sandbox/bots/${TOKEN}/${path}`, init);
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
      return JSON.parse(await response.text());
    },
    async startLife() {
      const { child, serves } = beginProcess(env, pace);
      await serves;
      return child;
    },
    beginLife: () => beginProcess(env, pace),
  };
}

function createKey(folder: string, role: 'operator' | 'aggregator'): string {
  const db = openDatabase(folder);
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  const { text } = keyring.create({ role, name: role, chats: null, expiresAt: null });
  keyring.close();
  db.close();
  return text;
}

function beginProcess(env: NodeJS.ProcessEnv, pace: string): Life {
  const child = fork(join(import.meta.dirname, 'echo-process.ts'), [pace], {
    env,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output = (output + chunk).slice(-4000);
    });
  }
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`the process ended with ${code} before it served: ${output}`);
  });
  const serves = Promise.race([once(child, 'message').then(() => {}), died]);
  for (const promise of [died, serves]) promise.catch(() => {});
  return { child, serves };
}
