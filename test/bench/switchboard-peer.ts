import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadSettings } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { limits } from '../../src/limits.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';

// One key posts here as fast as many would.
Object.assign(limits, { keyPostsPerS: 1_000_000, keyPostsBurst: 1_000_000 });

/** Switchboard as it is shipped, but for the machine, the bench's own, and the pace that a bench asks for. Tells its parent the address, a key, and as many operators' keys as it asks for. */
const settings = loadSettings(join(import.meta.dirname, '..', '..', 'config'), process.env);
const selection = { machine: process.argv[2] ?? 'counting', per: 'chat' } as const;
const db = openDatabase(settings.data);
const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
const { text: key } = keyring.create({ role: 'admin', name: 'bench', chats: null, expiresAt: null });
const operators = Array.from(
  { length: Number(process.argv[3] ?? 0) },
  (_, n) => keyring.create({ role: 'operator', name: `reader ${n}`, chats: null, expiresAt: null }).text,
);
keyring.close();
db.close();
const running = await startSwitchboard(
  {
    ...settings,
    outbox: { ...settings.outbox, ...JSON.parse(process.argv[4] ?? '{}') },
    conversations: { private: selection, group: selection, channel: null },
  },
  createLog('warn', process.stdout),
  { machinesFolder: import.meta.dirname },
);
process.on('disconnect', () => void running.stop().then(() => process.exit()));
process.send?.({ url: running.url, key, operators });
