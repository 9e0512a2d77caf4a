import { once } from 'node:events';
import { SwitchboardError } from '../../src/errors.ts';
import { holdDataFolder, openDatabase } from '../../src/journal/sqlite-open.ts';

/** Run by data-folder.test.ts in a process of its own: takes the data folder, says so, and stays. */
const folder = process.argv[2] ?? '';
try {
  const db = openDatabase(folder);
  holdDataFolder(folder, db, 0);
  // What nobody refers to is gone after this. The lock must not be.
  globalThis.gc?.();
  process.stdout.write('held\n');
  await once(process.stdin.resume(), 'end');
} catch (error) {
  process.stdout.write(error instanceof SwitchboardError ? `${error.code}: ${error.message}\n` : `${error}\n`);
}
process.exit();
