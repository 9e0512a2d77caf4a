import { delimiter, join } from 'node:path';

/**
 * The only place where a test reads the environment. A developer's settings, proxies and `config/local.json` change
 * nothing in here: what describes the machine comes in, and nothing else.
 */
const MACHINE = /^(PATH|TMPDIR|TZ|LANG|LANGUAGE|LC_\w+|LD_\w+|FAKETIME\w*)$/;

/** What would reach the tests' own process, and all that it starts. */
const SETTINGS = /^(TELEGRAM_\w+|SWITCHBOARD_(?!TEST_)\w+|DATABASE_URL|\w+_proxy|NODE_USE_ENV_PROXY)$/i;

/** For vitest's own process: its workers get what is left. */
export function removeSettings(): void {
  for (const name of Object.keys(process.env)) if (SETTINGS.test(name)) delete process.env[name];
}

/** The environment of a process that a test starts. The folder holds no local.json. */
export const machineEnv = (): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && MACHINE.test(name) ? [[name, value]] : [],
    ),
  ),
  SWITCHBOARD_CONFIG: join(import.meta.dirname, '..', 'config'),
});

/** The seed of a test that draws at random: SWITCHBOARD_TEST_SEED repeats a run. */
export const testSeed = (): number => Number(process.env.SWITCHBOARD_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A size of a test's load: `long` in `npm run test:long`, which has the time, otherwise `quick`. */
export const loadSize = (quick: number, long: number): number =>
  process.env.SWITCHBOARD_TEST_LONG === '1' ? long : quick;

/** PATH without what npm put in front for this run: a person has the machine's own Node, whichever it is. */
export const pathOfPerson = (): string =>
  (machineEnv().PATH ?? '')
    .split(delimiter)
    .filter((folder) => !/node_modules|node-gyp-bin/.test(folder))
    .join(delimiter);
