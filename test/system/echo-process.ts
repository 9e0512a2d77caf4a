import { join } from 'node:path';
import { loadSettings } from '../../config/load.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';

/**
 * Switchboard as it is shipped, but for the machine (echo) and, unless it is told `as-shipped`, the pacing (none to speak
 * of). Tells its parent when it serves.
 */
// One key posts here as fast as many would.
Object.assign(limits, { keyPostsPerS: 1_000_000, keyPostsBurst: 1_000_000 });
const UNHURRIED = { chatPerS: 10_000, chatBurst: 10_000, overallPerS: 100_000, overallBurst: 100_000 };
const settings = loadSettings(join(import.meta.dirname, '..', '..', 'config'), process.env);
const running = await startSwitchboard(
  {
    ...settings,
    conversations: { private: { machine: 'echo' }, group: null, channel: null },
    outbox: process.argv[2] === 'as-shipped' ? settings.outbox : { ...settings.outbox, ...UNHURRIED },
  },
  createLog('warn', process.stdout),
  { machinesFolder: import.meta.dirname },
);
process.on('disconnect', () => void running.stop().then(() => process.exit(0)));
process.send?.('ready');
