import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { exposedSecrets, loadSettings, unknownVariables } from '../config/load.ts';
import type { Settings } from '../config/schema.ts';
import { listOf } from './address-rule.ts';
import { systemClock } from './clock.ts';
import { examine } from './doctor.ts';
import { errorText, SwitchboardError } from './errors.ts';
import { dataFault } from './journal/data-fault.ts';
import { hasDatabase, refuseLoss } from './journal/data-folder.ts';
import { holderOf, openDatabase } from './journal/sqlite-open.ts';
import { isActiveAt, ROLES } from './keys/keys.ts';
import { createSqliteKeyStore } from './keys/sqlite.ts';
import { limits } from './limits.ts';
import { adviseOn, plainHttpWarning } from './listening.ts';
import { createLog, withoutSecrets } from './log.ts';
import { openDispatcher } from './network.ts';
import { exposedPaths } from './private-files.ts';
import { storageFault } from './storage-fault.ts';
import { createHttpBotApi } from './telegram/http.ts';
import type { BotApi } from './telegram/telegram.ts';
import { joinChatIds, parse, takesNothing, UsageError } from './usage.ts';
import { VERSION } from './version.ts';

const USAGE = `usage: switchboard <command>

  start                      run it; without TELEGRAM_BOT_TOKEN against the built-in sandbox
  sandbox [--port 8081]      the local Bot API server alone; --allow-private-networks lets its webhooks and
                             downloads reach other machines of your network
  keys create --role ${ROLES.join('|')} --name NAME
              [--chat ID]... [--event TYPE]... [--scope moderate] [--expires ISO] [--callback URL]
  keys list
  keys revoke ID [--cancel]  --cancel: what it has waiting is canceled, not sent
  keys rotate ID [--overlap 1h] [--callback-secret]
                             a new secret for the same key; the old one works as long as --overlap says
  chats [--status quarantined] [--after ID] [--limit 100]
  chats retry ID             steps a quarantined chat again, with what it failed on and all that came since
  chats export ID [--output FILE]
                             gives all there is of a chat or a user, a JSON object a line
  chats erase ID             erases all there is of a chat or a user: see docs/privacy.md
  migrate [--dry-run]        brings conversations to today's versions of their machines, or says what would become of them
  replay --chat ID [--machine FILE] [--save FILE]
                             steps a chat's journal through a machine, and shows where it departs from what happened
  backup FILE                copies the data folder, also while a server runs; a restored copy sends nothing until it is released
  compact                    makes the data folder smaller, while no server runs; needs free room on its disk
  outbox                     says whether messages are sent, and how many wait
  outbox release [--cancel]  sends again after a restore; --cancel: what waited in the backup is canceled, not sent
  doctor                     checks token, webhook, rival poller, clock, disk, keys, who may read the data
  doctor --live --chat ID    tries in your own chat with a real bot what Switchboard takes Telegram to do
  --version                  prints the version

Settings: config/default.json, config/local.json (or local.json in the folder SWITCHBOARD_CONFIG), the environment (README.md lists it).
`;

const CONFIG = join(import.meta.dirname, '..', 'config');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

// Who reads our output may go; that is no reason to stop serving.
process.stdout.on('error', () => {});

async function main(args: readonly string[]): Promise<number> {
  const [command, ...rest] = args;
  if (rest.some((word) => word === '--help' || word === '-h')) return help();
  switch (command) {
    case 'start':
      takesNothing('start', rest);
      return withSettings(start);
    case 'sandbox':
      return sandbox(rest);
    case 'keys': {
      const { keysCommand } = await import('./keys-command.ts');
      const warn = (line: string) => void process.stderr.write(`${line}\n`);
      return withSettings((settings) => keysCommand(rest, settings, print, warn));
    }
    case 'chats': {
      if (rest[0] === 'export' || rest[0] === 'erase') return eraseOrExport(rest);
      const { chats } = await import('./chats.ts');
      const warn = (line: string) => void process.stderr.write(`${line}\n`);
      return withSettings((settings) => chats(rest, settings, print, warn));
    }
    case 'migrate': {
      const { migrateCommand } = await import('./migrate.ts');
      return withSettings((settings) => migrateCommand(rest, settings, print, progressOf('conversations')));
    }
    case 'replay': {
      const { replayCommand } = await import('./replay.ts');
      const write = async (text: string) => {
        if (!process.stdout.write(text)) await once(process.stdout, 'drain');
      };
      return withSettings((settings) => replayCommand(rest, settings, write, progressOf('entries')));
    }
    case 'backup': {
      const { backupCommand } = await import('./backup.ts');
      // An exit takes away what was copied so far.
      void stopSignal().then(() => process.exit(1));
      return withSettings((settings) => backupCommand(rest, settings, print, progressOf('percent')));
    }
    case 'compact': {
      const { compactCommand } = await import('./compact.ts');
      return withSettings((settings) => compactCommand(rest, settings, print, progressOf('percent')));
    }
    case 'outbox': {
      const { outboxCommand } = await import('./outbox-command.ts');
      return withSettings((settings) => outboxCommand(rest, settings, print));
    }
    case 'doctor':
      return doctorCommand(rest);
    case 'help':
    case '--help':
    case '-h':
      return help();
    case '--version':
      print(VERSION);
      return 0;
    default:
      throw new UsageError(command === undefined ? 'name a command' : `there is no command ${command}`);
  }
}

/** `chats export` and `chats erase`. */
async function eraseOrExport([action, ...rest]: readonly string[]): Promise<number> {
  const { eraseCommand, exportCommand } = await import('./erase-command.ts');
  if (action === 'erase') return withSettings((settings) => eraseCommand(rest, settings, print, progressOf('entries')));
  return withSettings((settings) =>
    exportCommand(rest, settings, async (text) => {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    }),
  );
}

/** Runs a command with the settings. If the data folder does not let it work, the error says what to do. */
async function withSettings(command: (settings: Settings) => Promise<number>): Promise<number> {
  for (const name of unknownVariables(process.env)) {
    process.stderr.write(
      `switchboard: warning: ${name} is set and is not a variable of Switchboard: check its spelling\n`,
    );
  }
  const settings = loadSettings(CONFIG, process.env);
  try {
    return await command(settings);
  } catch (error) {
    throw dataFault(error, settings.data);
  }
}

function help(): number {
  print(USAGE);
  return 0;
}

/** Resolves with the signal that asks the process to stop. A second one ends it at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(1);
        asked = true;
        resolve(signal);
      });
    }
  });
}

async function start(settings: Settings): Promise<number> {
  const log = createLog(settings.logLevel, process.stdout);
  const asked = stopSignal();
  // An error's own fields could hold what a user wrote: only its text is told, cut as the log cuts.
  process.on('uncaughtException', (error) => {
    log.fatal({ event: 'crashed', error: errorText(error) }, 'a fault that nothing caught');
    process.exit(1);
  });
  // Only a start needs the whole of Switchboard: the other commands answer sooner without it.
  const { startSwitchboard } = await import('./main.ts');
  // A start that is not over, as a machine file loads for long, is left as it is: a crash may come at any time too.
  const running = await Promise.race([startSwitchboard(settings, log), asked]);
  if (typeof running === 'string') {
    log.info({ event: 'stopped', signal: running }, 'stopped during the start');
    return 0;
  }
  // Node would keep what it has compiled as the process ends, and one that is killed would leave nothing to the next.
  flushCompileCache();
  const reason = await Promise.race([asked, running.failed]);
  if (reason instanceof Error) log.fatal({ event: 'failed', error: reason.message }, 'stopping');
  else log.info({ event: 'stopping', signal: reason }, 'stopping');
  await running.stop();
  log.info({ event: 'stopped' }, 'stopped');
  return reason instanceof SwitchboardError ? (reason.entry.exit ?? 1) : reason instanceof Error ? 1 : 0;
}

async function sandbox(args: readonly string[]): Promise<number> {
  const { values } = parse({
    args: [...args],
    options: {
      port: { type: 'string', default: '8081' },
      'allow-private-networks': { type: 'boolean', default: false },
    },
  });
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : Number.NaN;
  if (!(port <= 65_535)) throw new UsageError(`--port ${values.port}: a port is 0 to 65535`);
  const log = createLog('info', process.stdout);
  const asked = stopSignal();
  const { createSandbox } = await import('./sandbox/sandbox.ts');
  const server = await createSandbox({
    host: '127.0.0.1',
    port,
    clock: systemClock,
    random: Math.random,
    allowPrivateNetworks: values['allow-private-networks'],
  }).catch(adviseOn('--port'));
  log.info({ event: 'ready', sandboxUrl: server.url }, `the sandbox is at ${server.url}`);
  await asked;
  await server.close();
  return 0;
}

/** Says on stderr how many are done, once a command takes long. */
function progressOf(what: string): (done: number) => void {
  let toldAt = systemClock.now();
  return (done) => {
    const now = systemClock.now();
    if (now - toldAt < limits.commandProgressMs) return;
    toldAt = now;
    process.stderr.write(`${done} ${what} so far\n`);
  };
}

function doctorCommand(args: readonly string[]): Promise<number> {
  const options = { live: { type: 'boolean' }, chat: { type: 'string' } } as const;
  const { live = false, chat } = parse({ args: joinChatIds(args, 'chat'), options }).values;
  if (!live && chat === undefined) return withSettings((settings) => doctor(settings, null));
  if (!live || chat === undefined || !/^-?[1-9]\d{0,15}$/.test(chat)) {
    throw new UsageError('doctor takes nothing, or --live and --chat with the id of your own chat with the bot');
  }
  return withSettings((settings) => doctor(settings, chat));
}

/** `liveChat`: the owner's chat; null: nothing is tried. */
async function doctor(settings: Settings, liveChat: string | null): Promise<number> {
  const { token, apiRoot, deleteWebhook } = settings.telegram;
  const { network } = settings;
  const api =
    token === null ? null : createHttpBotApi({ root: apiRoot, token, connections: 2, clock: systemClock, network });
  if (liveChat !== null && api === null) throw new UsageError('doctor --live needs a real bot: set TELEGRAM_BOT_TOKEN');
  let failed = false;
  let holder: string | null = null;
  const findings = examine({
    api,
    clock: systemClock,
    folder: settings.data,
    deleteWebhook,
    openData() {
      if (!hasDatabase(settings.data)) {
        refuseLoss(settings.data);
        return null;
      }
      const db = openDatabase(settings.data);
      try {
        // Deletes nothing, but fails where the file may only be read: it opens all the same.
        db.exec('DELETE FROM holder WHERE false');
        const store = createSqliteKeyStore(db);
        const now = systemClock.now();
        const active = store.list().filter((key) => isActiveAt(key, now));
        holder = holderOf(settings.data, db);
        return { holder, keys: active.length };
      } catch (error) {
        throw dataFault(error, settings.data);
      } finally {
        db.close();
      }
    },
    exposed: () => [...exposedPaths(settings.data), ...exposedSecrets(CONFIG, process.env)],
    plainHttp: plainHttpWarning(settings.http.host, listOf(settings.http.trustedProxies)),
    checkData: () => checkData(settings.data),
    async telegramTime() {
      const { request } = await import('undici');
      const dispatcher = await openDispatcher(network);
      const { headers, body } = await request(apiRoot, {
        dispatcher,
        method: 'HEAD',
        signal: AbortSignal.timeout(limits.botApiTimeoutMs),
      });
      await body.dump();
      await dispatcher.destroy();
      return typeof headers.date === 'string' ? Date.parse(headers.date) : null;
    },
  });
  for await (const { name, state, says } of findings) {
    failed ||= state === 'fail';
    print(`${state.padEnd(4)} ${name.padEnd(8)} ${withoutSecrets(says)}`);
  }
  try {
    if (liveChat === null || api === null) return failed ? 1 : 0;
    if (failed) throw new Error('nothing was tried in the chat: mend first what fails above');
    if (holder !== null) throw new Error(`${holder} serves this bot, and reads its updates: stop it first`);
    return await tryLive(api, liveChat);
  } finally {
    await api?.close();
  }
}

/** Exit code 1 if Telegram differs from the docs. */
async function tryLive(api: BotApi, chat: string): Promise<number> {
  const { tryFacts } = await import('./live.ts');
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  print(`The trials take some minutes, and send some forty messages to chat ${chat}, which are deleted at the end.`);
  let differs = false;
  const skipped = () => once(process.stdin, 'data');
  for await (const { name, state, docs, seen } of tryFacts({
    ...{ api, chat, clock: systemClock, say: print, skipped, signal: stop.signal },
  })) {
    differs ||= state === 'differs';
    print(`${state.padEnd(7)} ${name.padEnd(15)} docs: ${docs}; seen: ${seen}`);
  }
  return differs ? 1 : 0;
}

/** Checks the database in a thread of its own, so that progress can be told meanwhile, and an end be put to it. */
async function checkData(folder: string): Promise<readonly string[] | null> {
  const { Worker } = await import('node:worker_threads');
  const worker = new Worker(join(import.meta.dirname, 'quick-check-worker.ts'), { workerData: { folder } });
  const progress = progressOf('seconds of reading the database');
  let seconds = 0;
  const ticking = setInterval(() => progress(++seconds), 1000);
  try {
    const late = AbortSignal.timeout(limits.quickCheckMaxMs);
    const [found]: unknown[] = await once(worker, 'message', { signal: late }).catch((error: unknown) => {
      if (late.aborted) return [null];
      const fault = storageFault(error);
      throw fault === null ? error : new Error(fault.message);
    });
    return Array.isArray(found) ? found.map(String) : null;
  } finally {
    clearInterval(ticking);
    // Not waited for: it ends with the process, whatever it does.
    void worker.terminate();
  }
}

/** Runs a command line; gives the exit code, which ends the process: what is still open (an idle connection) is not waited for. */
export async function run(args: readonly string[]): Promise<number> {
  try {
    return await main(args);
  } catch (error) {
    const usage = error instanceof UsageError ? `\n${USAGE}` : '';
    process.stderr.write(`switchboard: ${withoutSecrets(errorText(error))}\n${usage}`);
    if (error instanceof UsageError) return 2;
    return error instanceof SwitchboardError ? (error.entry.exit ?? 1) : 1;
  }
}
