import { migrate } from '../../src/migrate.ts';
import { second, tableOf } from '../conversations/versions.ts';

/** `switchboard migrate` in a process of its own, with the tests' machine. It is killed at its 250th conversation. */
const [folder = ''] = process.argv.slice(2);
let count = 0;
const machines = tableOf(second, {
  unfit: 'restart',
  migrate(_, conversation) {
    count += 1;
    if (count === 250) process.kill(process.pid, 'SIGKILL');
    return conversation;
  },
});
await migrate({ folder, bot: '1', machines, print: () => {} });
