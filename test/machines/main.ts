import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MACHINES, PRODUCT_MACHINES } from './product.ts';
import { fixturesOf, replayFixture } from './replay-fixture.ts';
import { findingsIn } from './try.ts';

/**
 * `npm run machines`: tries every machine in machines/ that is not the product's, or the files named as arguments, and
 * replays their fixtures. Prints each finding once; ends with 1 if there is one.
 */
const named = process.argv.slice(2).map((path) => basename(path));
const own = readdirSync(MACHINES)
  .filter((file) => file.endsWith('.machine.ts') && !PRODUCT_MACHINES.includes(file))
  .sort();
const files = named.length > 0 ? named : own;
if (files.length === 0) console.log('machines/ holds no machine but those that came with Switchboard: nothing to try');

let count = 0;
const tell = (where: string, findings: readonly string[]): void => {
  count += findings.length;
  console.log(`${where}: ${findings.length === 0 ? 'keeps the rules' : `${findings.length} to mend`}`);
  for (const finding of findings) console.log(`  - ${finding}`);
};
for (const file of files) {
  console.log(`trying machines/${file} …`);
  tell(`machines/${file}`, await findingsIn(MACHINES, file));
  for (const fixture of fixturesOf(file.replace(/(@.*)?\.machine\.ts$/, '')))
    tell(`test/machines/fixtures/${fixture}`, await replayFixture(fixture, join(MACHINES, file)));
}
process.exitCode = count === 0 ? 0 : 1;
