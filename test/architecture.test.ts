import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '../src/limits.ts';
import { PRODUCT_FILES } from './machines/product.ts';

const ROOT = join(import.meta.dirname, '..');

/**
 * Root files that every area may import: the registries of errors and bounds, the clock that all are given, and what
 * belongs to no single area. Every part tells one kind of status (status), writes to one log that keeps out what it must
 * not hold (log), waits between tries by one formula (backoff) or as it is asked to (retry-after), tells browsers of other
 * sites apart by one rule (own-page), and says in one place what an error of the disk or the database means (storage-fault),
 * and why a port cannot be listened on (listening). Each keeps its files from other users in one way (private-files).
 * Every part that calls another server reaches it by one way (network), and tells one kind of failure (connect-errors). Which
 * addresses are private is known in one place (address-rule).
 * Ages are counted by the time that is proven (proven-time).
 * Input from outside is counted before it is parsed (bounded-input, long-list), and has a time to arrive in (late-body).
 */
const SHARED = [
  'src/errors.ts',
  'src/limits.ts',
  'src/clock.ts',
  'src/proven-time.ts',
  'src/status.ts',
  'src/log.ts',
  'src/backoff.ts',
  'src/retry-after.ts',
  'src/own-page.ts',
  'src/storage-fault.ts',
  'src/private-files.ts',
  'src/listening.ts',
  'src/network.ts',
  'src/connect-errors.ts',
  'src/address-rule.ts',
  'src/bounded-input.ts',
  'src/long-list.ts',
  'src/late-body.ts',
];
/** What an area shows to others: its port (named like the folder), and Telegram's plain facts. */
const PORTS = /^src\/(\w+)\/\1\.ts$|^src\/telegram\/(errors|update|methods)\.ts$/;
/** Files that touch the world for a port. Only the composition root may name them. */
const ADAPTERS = /^src\/(?!http\/)\w+\/(sqlite|postgres|http)(-\w+)?\.ts$/;
/** The composition roots: of the server, of its threads for the console and for doctor's check, and of the commands that open the data themselves. */
const COMPOSITION = [
  'src/main.ts',
  'src/console-worker.ts',
  'src/quick-check-worker.ts',
  'src/compact-worker.ts',
  'src/backup.ts',
  'src/chats.ts',
  'src/keys-command.ts',
  'src/compact.ts',
  'src/erase-command.ts',
  'src/erasing.ts',
  'src/migrate.ts',
  'src/outbox-command.ts',
  'src/replay.ts',
  'src/serving.ts',
  'src/commands.ts',
  'src/cli.ts',
];

/** Static imports and exports, and dynamic imports of a name written out: `await import('./main.ts')`. */
const IMPORTS = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly {
    readonly target: string;
    readonly external: boolean;
    readonly typeOnly: boolean;
  }[];
}

const files: SourceFile[] = ['src', 'machines', 'config']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((f) => join(folder, f)),
  )
  .filter((path) => path.endsWith('.ts'))
  // Whatever else lies in machines/ is its author's.
  .filter((path) => !path.startsWith('machines/') || PRODUCT_FILES.some((file) => path === `machines/${file}`))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const imports = [...text.matchAll(IMPORTS)].map((m) => {
      const specifier = m[2] ?? m[3] ?? '';
      const external = !specifier.startsWith('.');
      const target = external ? specifier : relative(ROOT, join(ROOT, dirname(path), specifier));
      return { target, external, typeOnly: m[1] !== undefined };
    });
    return { path, text, imports };
  });

const area = (path: string): string | undefined => /^src\/(\w+)\//.exec(path)?.[1];

/** Every local import that breaks the rule, as "importer -> imported". */
function violations(rule: (file: SourceFile, target: string) => boolean): string[] {
  return files.flatMap((file) =>
    file.imports.filter((i) => !i.external && rule(file, i.target)).map((i) => `${file.path} -> ${i.target}`),
  );
}

test('what a stop waits for before the outbox, and after it, leaves time to the outbox', () => {
  expect(limits.drainMs + limits.httpCloseMs + limits.shutdownRestMs).toBeLessThan(limits.shutdownMs);
});

test("pages name Switchboard's addresses without a slash in front: a proxy may serve all below a path", () => {
  const broken = files
    .filter((f) => f.path.startsWith('src/web/'))
    .flatMap(({ path, text }) => text.split('\n').map((line, n) => ({ line, place: `${path}:${n + 1}` })))
    .filter(({ line }) =>
      /['"`]\/(v1|sandbox|console|inspector|assets|docs|readyz|livez|metrics|client\.js)\b/.test(line),
    )
    .map(({ place }) => place);
  expect(broken).toEqual([]);
});

describe('the import rules of the architecture', () => {
  test('there are files to check', () => {
    expect(files.length).toBeGreaterThan(2);
  });

  test('imports are seen, static and dynamic', () => {
    const targets = files.find(({ path }) => path === 'src/commands.ts')?.imports.map(({ target }) => target);
    expect(targets).toEqual(expect.arrayContaining(['config/load.ts', 'src/main.ts', 'src/sandbox/sandbox.ts']));
  });

  test('1: machines import xstate and their own event types, nothing else', () => {
    const broken = files
      .filter((f) => f.path.startsWith('machines/'))
      .flatMap((f) => f.imports.map((i) => ({ f, i })))
      .filter(({ i }) => (i.external ? i.target !== 'xstate' : !i.target.startsWith('machines/')))
      .map(({ f, i }) => `${f.path} -> ${i.target}`);
    expect(broken).toEqual([]);
  });

  test("2: an area imports ports, machines and the root files, never another area's inside", () => {
    const broken = violations((file, target) => {
      const from = area(file.path);
      if (from === undefined || area(target) === from) return false;
      return !(PORTS.test(target) || target.startsWith('machines/') || SHARED.includes(target));
    });
    expect(broken).toEqual([]);
  });

  test('3: only the composition root imports adapters, and nobody imports it', () => {
    expect(
      violations((file, target) => {
        if (!ADAPTERS.test(target) || COMPOSITION.includes(file.path)) return false;
        return area(file.path) !== area(target) || !ADAPTERS.test(file.path);
      }),
    ).toEqual([]);
    expect(violations((file, target) => COMPOSITION.includes(target) && !COMPOSITION.includes(file.path))).toEqual([]);
  });

  test('4: only the composition root reads config and the environment', () => {
    const broken = files
      .filter((f) => !COMPOSITION.includes(f.path) && !f.path.startsWith('config/'))
      .filter(
        (f) => /process\.env/.test(f.text) || f.imports.some((i) => i.target.startsWith('config/') && !i.typeOnly),
      )
      .map((f) => f.path);
    expect(broken).toEqual([]);
  });

  test('5: the clock and randomness are arguments', () => {
    const allowed = ['src/clock.ts', ...COMPOSITION];
    const broken = files
      // A page is a program of its own: nobody simulates it, a real browser runs it.
      .filter((f) => !allowed.includes(f.path) && !f.path.startsWith('src/web/'))
      .filter((f) => /Date\.now\(|new Date\(\)|Math\.random\(|(?<![.\w])set(Timeout|Interval)\(/.test(f.text))
      .map((f) => f.path);
    expect(broken).toEqual([]);
  });

  test('6: there are no cycles', () => {
    const graph = new Map(files.map((f) => [f.path, f.imports.filter((i) => !i.external).map((i) => i.target)]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
        return;
      }
      if (done.has(path)) return;
      for (const next of graph.get(path) ?? []) walk(next, [...trail, path]);
      done.add(path);
    };
    for (const path of graph.keys()) walk(path, []);
    expect(cycles).toEqual([]);
  });
});

/** The tests themselves, and what they share. A benchmark measures by the machine's clock, and nobody waits for it to be green. */
const testFiles = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.startsWith('bench/') && path !== 'architecture.test.ts')
  .map((path) => ({ path: join('test', path), text: readFileSync(join(ROOT, 'test', path), 'utf8') }));

const testFilesWith = (pattern: RegExp): string[] =>
  testFiles.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, n) => (pattern.test(line) ? [`${path}:${n + 1}: ${line.trim()}`] : [])),
  );

describe('the rules that keep the tests green anywhere', () => {
  test("no test computes with today's date: a moment is so far from now (support/from-now.ts)", () => {
    const reads = testFilesWith(
      /\bDate\.now\b|\bnew Date\b(?!\()|\bDate\(\)|\bsystemClock\.now\b|\bTemporal\.Now\b|\btimeOrigin\b/,
    );
    // The order machine is an example of what is refused.
    const allowed = /^test\/(support\/from-now|machines\/order\.machine)\.ts:/;
    expect(reads.filter((line) => !allowed.test(line))).toEqual([]);
    expect(testFilesWith(/\.[gs]et(UTC)?(FullYear|Month|Date|Day|Hours)\(/)).toEqual([]);
  });

  test('the environment is read in one file, which lets in what describes the machine (support/environment.ts)', () => {
    const reads = testFilesWith(/process\.env\b/);
    // Chromium's package takes its folder from TMPDIR alone, echo-process is started with machineEnv(), served.test writes a program of somebody else.
    const allowed = /^test\/(support\/environment|browser\/chromium|system\/echo-process|client\/served\.test)\.ts:/;
    expect(reads.filter((line) => !allowed.test(line))).toEqual([]);
  });

  test('a limit of time is only for what never happens: three minutes and more, whatever the machine is busy with', () => {
    const short = testFilesWith(/\btimeout: (\d{1,3}_\d{3}|\d{4,6})\b|^\s*\}, (\d{1,3}_\d{3}|\d{4,6})\);/);
    const limitOf = (line: string) => Number(/(?:timeout: |\}, )([\d_]+)/.exec(line)?.[1]?.replaceAll('_', ''));
    // Telegram's own parameter, in seconds, and SQLite's.
    const others = /getUpdates|DatabaseSync/;
    expect(short.filter((line) => limitOf(line) < 180_000 && !others.test(line))).toEqual([]);
  });

  test('no test claims how fast something is: that is for a benchmark, or a ratio within one run', () => {
    // Each prints a figure, waits at least so long, compares two of one run, or keeps apart bounds that differ by half a minute.
    const allowed = [
      'browser/sandbox.test.ts',
      'http/feed-slow.test.ts',
      'http/slow-readers.test.ts',
      'input/growth.ts',
      'readme/terminal.ts',
      'sim/main.ts',
      'system/broadcast.test.ts',
      'system/kill.test.ts',
      'system/outbox-faults.test.ts',
    ];
    const measures = testFilesWith(/\bperformance\.now\(\)|\bhrtime\b/);
    expect(measures.filter((line) => !allowed.some((path) => line.startsWith(`test/${path}:`)))).toEqual([]);
  });

  test('a user who does not own the files can run the tests: nothing is written beside the configuration', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    expect(scripts.test).toContain('vitest run --configLoader native ');
  });
});
