import { parseArgs } from 'node:util';
import { openDisk } from './disk.ts';
import { reportOf, trySeed } from './report.ts';
import { runScript } from './run.ts';
import { scriptOf } from './script.ts';

/** `npm run sim`: many seeds, or one with its story. Exit code 1 where a seed fails. */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    story: { type: 'boolean', default: false },
  },
});

const from = whole('from', values.seed ?? values.from);
const count = values.seed === undefined ? whole('seeds', values.seeds) : 1;
const disk = openDisk();
const begun = performance.now();
const sum = { entries: 0, steps: 0, crashes: 0 };
let failed = 0;
for (let seed = from; seed < from + count; seed += 1) {
  if (values.story) console.log((await runScript(scriptOf(seed), disk, {}, true)).story.join('\n'));
  const { outcome, failure } = await trySeed(seed, disk);
  sum.entries += outcome.entries;
  sum.steps += outcome.steps;
  sum.crashes += outcome.crashes;
  if (failure !== null) {
    failed += 1;
    console.log(`${reportOf(failure)}\n`);
  }
  const done = seed - from + 1;
  if (done % 1000 === 0 && done < count) console.log(`${done} seeds, ${failed} failed`);
}
disk.close();
const seconds = (performance.now() - begun) / 1000;
const { entries, steps, crashes } = sum;
console.log(
  `${count} seeds from ${from}: ${failed} failed. ${steps} steps, ${entries} entries, ${crashes} crashes and takeovers; ` +
    `${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s`,
);
process.exitCode = failed === 0 ? 0 : 1;

function whole(name: string, value: string): number {
  if (/^[1-9]\d{0,8}$/.test(value)) return Number(value);
  console.error(`--${name} must be a whole number from 1 on`);
  process.exit(2);
}
