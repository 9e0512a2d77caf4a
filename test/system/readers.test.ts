import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { crc32 } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { openDatabase } from '../../src/journal/sqlite-open.ts';
import { createKeyring } from '../../src/keys/keyring.ts';
import { createSqliteKeyStore } from '../../src/keys/sqlite.ts';
import { entryText } from '../../src/operators/operators.ts';
import { passes } from '../../src/operators/ring.ts';
import type { LoadOrder } from '../bench/load-server.ts';
import { type Peer, startPeer } from '../bench/process.ts';
import { chatOf as loadChatOf } from '../bench/update-text.ts';
import { loadSize, testSeed } from '../support/environment.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';
import { readAll } from './evidence.ts';
import { freePort } from './ports.ts';
import { createPulse } from './pulse.ts';
import { createRandom } from './random.ts';
import { createRestlessPoller } from './restless-poller.ts';
import { createRestlessReader, type Door } from './restless-reader.ts';

/** SWITCHBOARD_TEST_SEED repeats a run's plan: who drops out and dawdles when, and when the process dies. */
const SEED = testSeed();
const UPDATES = loadSize(50_000, 100_000);
const CHATS = 1000;
const DEATHS = 5;
/** Longer than it may ever take: a test that hangs says so. */
const PATIENCE_MS = 600_000;

/** The chat of an update; the load's first has the id 1 (load-server.ts). */
const chatOf = (id: number): string => String(loadChatOf(id - 1, CHATS));
const chats = (count: number): string[] => Array.from({ length: count }, (_, n) => chatOf(n + 1));

/** Who reads: what their key allows, what they ask for, how. Each hears more than twice as much as it drops out after. */
interface Part {
  readonly door: Door;
  readonly keyChats?: readonly string[];
  readonly chat?: readonly string[];
  readonly type?: readonly string[];
  readonly dropsEvery?: number;
  readonly pausesEvery?: number;
}
const PARTS: readonly Part[] = [
  { door: 'sse' },
  { door: 'ndjson' },
  { door: 'poll' },
  { door: 'sse', dropsEvery: 2000 },
  { door: 'sse', pausesEvery: 2000 },
  { door: 'sse', type: ['update.received'] },
  { door: 'sse', type: ['chat.moved'], dropsEvery: 200 },
  { door: 'ndjson', keyChats: chats(100), dropsEvery: 1000 },
  { door: 'sse', keyChats: chats(3), chat: chats(1), dropsEvery: 20 },
  { door: 'poll', keyChats: chats(10), type: ['update.received', 'chat.moved'] },
];
/** Bot clients at the façade: the chats of their keys; null: all. */
const POLLERS: readonly (readonly string[] | null)[] = [null, chats(50)];

test(
  `ten readers and two pollers that come, go and dawdle while the process dies again and again each see every entry of theirs, once, in order (seed ${SEED})`,
  async () => {
    const random = createRandom(SEED);
    const folder = temporaryFolder();
    const port = await freePort();
    const keys = createKeys(folder);
    const source = startPeer('load-server.ts', []);
    onTestFinished(() => source.stop());
    const { url: root } = await source.message<{ url: string }>('url');
    source.child.send({ mode: 'burst', updates: UPDATES, chats: CHATS } satisfies LoadOrder);

    const startLife = async (): Promise<Peer> => {
      const life = startPeer('switchboard-peer.ts', ['counting'], {
        TELEGRAM_BOT_TOKEN: '1:load',
        TELEGRAM_API_ROOT: root,
        SWITCHBOARD_PORT: String(port),
        SWITCHBOARD_DATA: folder,
      });
      onTestFinished(() => void life.child.kill('SIGKILL'));
      await life.message('url');
      return life;
    };
    let life = await startLife();
    let served: Promise<string> = Promise.resolve(`http://127.0.0.1:${port}`);

    // Pauses end as the others get on, or where nobody else is left to.
    const pulse = createPulse();
    let heard = 0;
    let reading = PARTS.length;
    let paused = 0;
    const pause = async (): Promise<void> => {
      const until = heard + random.whole(100, 20_000);
      paused += 1;
      pulse.beat();
      await pulse.until(() => heard >= until || paused === reading, 'the others to get on', PATIENCE_MS);
      paused -= 1;
    };
    const readers = PARTS.map(({ door, chat = [], type = [], dropsEvery = 20_000, pausesEvery = 20_000 }, n) =>
      createRestlessReader({
        ...{ name: `reader ${n}`, key: keys[n] ?? '', door, dropsEvery, pausesEvery, pause },
        query: { chat, type },
        random: createRandom(SEED + n),
        served: () => served,
        onHeard: (count) => {
          heard += count;
          pulse.beat();
        },
      }),
    );
    const all = readers.map(async (reader, n) => {
      await reader.readUntil(lastOf(PARTS[n] ?? { door: 'sse' }));
      reading -= 1;
      pulse.beat();
    });
    const pollers = POLLERS.map((_, n) =>
      createRestlessPoller({
        ...{ name: `poller ${n}`, key: keys[PARTS.length + n] ?? '', dropsEvery: 10 },
        random: createRandom(SEED + PARTS.length + n),
        served: () => served,
      }),
    );
    const polled = pollers.map((poller, n) => poller.pollUntil(lastIdOf(POLLERS[n] ?? null)));
    const finished = Promise.all([...all, ...polled]);
    // Where one fails, that is what the test tells.
    const failed = finished.then(() => new Promise<never>(() => {}));

    for (let deaths = 0; deaths < DEATHS; deaths += 1) {
      // The first comes while everybody still reads.
      const until = heard + random.whole(500, deaths === 0 ? 3000 : 100_000);
      await Promise.race([
        pulse.until(() => heard >= until || reading === 0, 'readers to get on', PATIENCE_MS),
        failed,
      ]);
      const died = once(life.child, 'exit');
      served = died.then(startLife).then((next) => {
        life = next;
        return `http://127.0.0.1:${port}`;
      });
      // Each second death is as a deploy would have it.
      if (deaths % 2 === 0) life.child.kill('SIGKILL');
      else await life.stop();
      await Promise.race([served, failed]);
    }
    await finished;
    await life.stop();

    const journal = openJournal(folder, systemClock);
    const entries = await readAll(journal);
    expect(entries.filter(({ type }) => type === 'update.received')).toHaveLength(UPDATES);
    for (const [n, reader] of readers.entries()) {
      const theirs = entries.filter(allowedBy(PARTS[n] ?? { door: 'sse' }));
      expect(
        firstDifference(
          reader.seqs,
          theirs.map(({ seq }) => seq),
        ),
        reader.name,
      ).toBeNull();
      expect(reader.checksum, reader.name).toBe(theirs.reduce((sum, entry) => crc32(entryText(entry), sum), 0));
    }
    for (const [n, poller] of pollers.entries()) {
      const theirs = Array.from({ length: UPDATES }, (_, id) => id + 1).filter(
        (id) => POLLERS[n]?.includes(chatOf(id)) ?? true,
      );
      expect(firstDifference(poller.ids, theirs), poller.name).toBeNull();
      expect(poller.failures(), poller.name).toBeGreaterThan(1);
    }
    // They did what they are here for.
    expect(Math.min(...readers.map(({ connections }) => connections))).toBeGreaterThan(1);
    expect(readers[4]?.pauses).toBeGreaterThan(3);
  },
  PATIENCE_MS,
);

/** True of the last entry that a reader of this kind is to see. */
function lastOf({ keyChats, chat, type }: Part): (text: string) => boolean {
  if (type?.length === 1 && type[0] === 'chat.moved') {
    let left = CHATS;
    return () => {
      left -= 1;
      return left === 0;
    };
  }
  const last = lastIdOf(chat ?? keyChats ?? null);
  return (text) => text.includes(`"update":{"update_id":${last},`);
}

/** The last update of these chats; null: of all. */
function lastIdOf(wanted: readonly string[] | null): number {
  let last = UPDATES;
  while (wanted !== null && !wanted.includes(chatOf(last))) last -= 1;
  return last;
}

function allowedBy({ keyChats, chat, type }: Part): (entry: Entry) => boolean {
  const ofChats = chat ?? keyChats;
  const filter = { chats: ofChats ? new Set(ofChats) : null, types: type ? new Set(type) : null };
  return (entry) => passes({ ...filter, owner: null }, { owner: null, ...entry });
}

function firstDifference(heard: readonly number[], expected: readonly number[]) {
  const at = Array.from({ length: Math.max(heard.length, expected.length) }, (_, n) => n).find(
    (n) => heard[n] !== expected[n],
  );
  return at === undefined ? null : { at, heard: heard[at], expected: expected[at] };
}

function createKeys(folder: string): string[] {
  const db = openDatabase(folder);
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  const allowed = [...PARTS.map(({ keyChats = null }) => keyChats), ...POLLERS];
  const keys = allowed.map((keyChats, n) =>
    keyring.create({ role: 'operator', name: `reader ${n}`, chats: keyChats && [...keyChats], expiresAt: null }),
  );
  keyring.close();
  db.close();
  return keys.map(({ text }) => text);
}
