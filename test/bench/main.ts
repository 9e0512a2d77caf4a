import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attacks } from './attacks.ts';
import { chats } from './chats.ts';
import { consolePage } from './console.ts';
import { delivery } from './delivery.ts';
import { fanOut } from './fan-out.ts';
import { ingest } from './ingest.ts';
import { inspector } from './inspector.ts';
import { latency } from './latency.ts';
import { readerMemory } from './reader-memory.ts';
import { recover } from './recover.ts';
import { sending } from './sending.ts';
import { startUp } from './start-up.ts';
import { timers } from './timers.ts';
import { versions } from './versions.ts';
import { waiting } from './waiting.ts';

/**
 * The benchmarks: `npm run bench [name …]`. Each prints its figures, and its peer's from the same run. Servers listen on
 * loopback, load ends by itself.
 */
const BENCHMARKS = {
  'start-up': startUp,
  ingest,
  inspector,
  latency,
  chats,
  recover,
  timers,
  versions,
  'fan-out': fanOut,
  delivery,
  'reader-memory': readerMemory,
  sending,
  waiting,
  console: consolePage,
  attacks,
};

const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-bench-'));
  process.stdout.write(`\n${name}\n`);
  await run({ folder, print: (label, value) => void process.stdout.write(`  ${label.padEnd(58)} ${value}\n`) });
  rmSync(folder, { recursive: true, force: true });
}
