import { systemClock } from '../../src/clock.ts';
import { createIndexing } from '../../src/console/indexing.ts';
import { openConsoleStore } from '../../src/console/sqlite.ts';
import { openConsoleDb } from '../../src/console/sqlite-open.ts';
import { openSqliteFollower } from '../../src/journal/sqlite-follower.ts';

/** Makes the console's index step by step, and says each; ends when there is nothing to do. */
const [folder = '', own = ''] = process.argv.slice(2);
const indexing = createIndexing(openSqliteFollower(folder, '1'), openConsoleStore(openConsoleDb(own)), systemClock);
function step(): void {
  const done = indexing.step();
  process.stdout.write(`${done}\n`);
  if (done !== 'idle') setImmediate(step);
}
step();
