import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineEnv, pathOfPerson } from '../support/environment.ts';
import { type Block, commandsOf, patternOf } from './blocks.ts';
import { inTime, openTerminal, type Terminal } from './terminal.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** What runs until somebody ends it. */
const RUNS_ON = /^npm start$|^curl -sN |^npx switchboard sandbox/;

/** The ports that the page names: Switchboard's, its sandbox's, a sandbox's that runs alone, a backend's. */
const PORTS: readonly string[] = ['8080', '8081', '8082', '9000'];

/** One reader of the page, with terminals, ports and a data folder that nobody else uses. */
export interface Walk {
  readonly url: string;
  readonly sandboxUrl: string;
  readonly backendPort: number;
  readonly folder: string;
  terminal(name: string): Terminal;
  /** Types every command and waits until all that the page shows is seen. `before` runs ahead of each block. */
  follow(blocks: readonly Block[], before?: (block: Block) => Promise<void>): Promise<void>;
}

/** Begins a walk. It ends, with all that it started, when the test does. */
export async function beginWalk(
  onTestFinished: (end: () => Promise<void>) => void,
  settings: Readonly<Record<string, string>> = {},
): Promise<Walk> {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-readme-'));
  const ports = await freePorts(PORTS.length);
  const [http = 0, sandbox = 0, , backend = 0] = ports;
  const env = {
    ...machineEnv(),
    PATH: pathOfPerson(),
    HOME: folder,
    TMPDIR: folder,
    npm_config_cache: join(folder, 'npm'),
    npm_config_offline: 'true',
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
    SWITCHBOARD_DATA: join(folder, 'data'),
    SWITCHBOARD_PORT: String(http),
    SWITCHBOARD_SANDBOX_PORT: String(sandbox),
    ...settings,
  };
  const terminals = new Map<string, Terminal>();
  onTestFinished(async () => {
    await Promise.all([...terminals.values()].map((open) => open.close()));
    rmSync(folder, { recursive: true, force: true });
  });

  const terminal = (name: string): Terminal => {
    const open = terminals.get(name) ?? openTerminal(ROOT, env);
    terminals.set(name, open);
    return open;
  };
  const here = (text: string): string =>
    text.replace(/\b\d{4}\b/g, (port) => String(ports[PORTS.indexOf(port)] ?? port));

  return {
    url: `http://127.0.0.1:${http}`,
    sandboxUrl: `http://127.0.0.1:${sandbox}`,
    backendPort: backend,
    folder,
    terminal,
    async follow(blocks, before = async () => {}) {
      /** How far each terminal has been read. */
      const read = new Map<string, number>();
      let typedIn = '';
      for (const block of blocks) {
        await before(block);
        if (block.language === 'sh') {
          typedIn = block.terminal ?? '';
          const open = terminal(typedIn);
          read.set(typedIn, open.text().length);
          for (const command of commandsOf(block)) await type(open, here(command), block.line);
        } else if (block.language === 'text') {
          const name = block.terminal ?? typedIn;
          const shown = terminal(name).shows(patternOf(block.lines.map(here)), read.get(name) ?? 0);
          read.set(name, await inBlock(block, shown));
        }
      }
    },
  };
}

async function type(terminal: Terminal, command: string, line: number): Promise<void> {
  const code = terminal.run(command);
  if (RUNS_ON.test(command)) return;
  const ended = await inTime(code, () => `README.md:${line}: did not end: ${command}\n${terminal.text()}`);
  if (ended !== 0) throw new Error(`README.md:${line}: ended with ${ended}: ${command}\n${terminal.text()}`);
}

const inBlock = <T>({ line }: Block, promise: Promise<T>): Promise<T> =>
  promise.catch((error: unknown) => {
    throw new Error(`README.md:${line}: ${error instanceof Error ? error.message : String(error)}`);
  });

/** Ports that were free a moment ago. All are held until each is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address !== null ? address.port : 0);
          }),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
