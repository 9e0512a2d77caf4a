import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Settings } from '../config/schema.ts';
import { createSqlitePaymentStore } from './backend/sqlite.ts';
import { systemClock } from './clock.ts';
import { createIndexing, type Indexing } from './console/indexing.ts';
import { openConsoleStore } from './console/sqlite.ts';
import { openConsoleDb } from './console/sqlite-open.ts';
import { erasureView, isChatId } from './erase/erase.ts';
import { buildEraser } from './erasing.ts';
import type { Journal } from './journal/journal.ts';
import { openSqliteFollower } from './journal/sqlite-follower.ts';
import { openAgain } from './journal/sqlite-open.ts';
import { limits } from './limits.ts';
import { bootId, createDiskMarks } from './outbox/disk-marks.ts';
import { settleOrphans } from './outbox/sender.ts';
import { type Note, openServed, type Server } from './serving.ts';
import { createDiskUploads } from './uploads/disk.ts';
import { parse, UsageError } from './usage.ts';

type View = ReturnType<typeof erasureView>;
type Tell = (view: Pick<View, 'position'>) => void;

/** What the commands do with a data folder, whoever serves it. */
interface Erasing {
  exported(chat: string): AsyncIterable<string | Uint8Array>;
  erase(chat: string, tell: Tell): Promise<unknown>;
  close(): Promise<void>;
}

const Progress = Compile(
  Type.Object({
    number: Type.Integer(),
    status: Type.String(),
    through: Type.Union([Type.Integer(), Type.Null()]),
    position: Type.Integer(),
  }),
);

/** `switchboard chats export ID [--output FILE]`. Returns the exit code. */
export async function exportCommand(
  args: readonly string[],
  settings: Settings,
  write: (text: string | Uint8Array) => Promise<void>,
): Promise<number> {
  const [id, ...rest] = args;
  const { values } = parse({ args: rest, options: { output: { type: 'string' } } });
  const chat = chatOf(id, 'export');
  const opened = openErasing(settings, 'switchboard chats export');
  try {
    if (values.output === undefined) {
      for await (const part of opened.use.exported(chat)) await write(part);
      return 0;
    }
    // Never over a file that is there: it would keep the rights that it has.
    const file = await open(values.output, 'wx', 0o600).catch((error: unknown) => {
      throw new UsageError(`--output ${values.output}: ${error instanceof Error ? error.message : error}`);
    });
    try {
      for await (const part of opened.use.exported(chat)) await file.appendFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    return 0;
  } finally {
    await opened.use.close();
    await opened.close();
  }
}

/** `switchboard chats erase ID`. Prints the erasure, a JSON object, once it is done. Returns the exit code. */
export async function eraseCommand(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  progress: (done: number) => void,
): Promise<number> {
  const [id, ...more] = args;
  const chat = chatOf(id, 'erase');
  if (more.length > 0) throw new UsageError('chats erase takes the ID of one chat');
  const opened = openErasing(settings, 'switchboard chats erase');
  try {
    print(JSON.stringify(await opened.use.erase(chat, ({ position }) => progress(position))));
    return 0;
  } finally {
    await opened.use.close();
    await opened.close();
  }
}

function chatOf(id: string | undefined, action: string): string {
  if (id === undefined) throw new UsageError(`chats ${action} takes the ID of a chat`);
  if (!isChatId(id)) throw new UsageError(`chats ${action} ${id}: a chat id is a whole number`);
  return id;
}

const openErasing = (settings: Settings, name: string) =>
  openServed<Erasing>(settings, {
    name,
    served: ofServer,
    unserved: (journal, note) => ofFolder(settings.data, journal, note),
  });

const ofServer = ({ call, stream }: Server): Erasing => ({
  exported: (chat) => stream(`/v1/chats/${chat}/export`),
  async erase(chat, tell) {
    const ordered = Progress.Parse(await call('POST', `/v1/chats/${chat}/erase`));
    for (;;) {
      const answer = await call('GET', `/v1/erasures/${ordered.number}`);
      const view = Progress.Parse(answer);
      if (view.status === 'done') return answer;
      tell(view);
      await new Promise((resolve) => systemClock.setTimeout(() => resolve(null), limits.erasePollMs));
    }
  },
  close: async () => {},
});

/** Nobody serves the folder: this process does it, and holds the folder meanwhile. */
function ofFolder(folder: string, journal: Journal, note: Note): Erasing {
  const open: { close(): unknown }[] = [];
  const opened = <T extends { close(): unknown }>(what: T): T => {
    open.push(what);
    return what;
  };
  const log = { info: () => {}, warn: (_: object, message: string) => void process.stderr.write(`${message}\n`) };
  const uploads = createDiskUploads({ folder, journal, randomBytes, log });
  let index: Indexing | null = null;
  const indexing = (): Indexing => {
    index ??= createIndexing(
      opened(openSqliteFollower(folder, journal.bot)),
      openConsoleStore(opened(openConsoleDb(folder))),
      systemClock,
    );
    return index;
  };
  const eraser = buildEraser({
    ...{ folder, journal, clock: systemClock, log, uploads },
    rewrite: (job) => journal.write(async (tx) => void (await job(tx))),
    onRewritten: () => {},
    payments: () => createSqlitePaymentStore(opened(openAgain(folder)), systemClock),
    index: {
      erase: async (erased) => indexing().erase(erased),
      empty: async () => indexing().empty(),
    },
  });
  /** What a server that was killed was sending is settled as its next start would: nobody sends it now. */
  async function settleSending(): Promise<void> {
    const marks = createDiskMarks({ folder, stream: journal.stream, bootId: bootId(), log });
    await journal.write((tx) => settleOrphans(tx, journal.bot, marks));
    marks.close();
  }
  return {
    exported: async function* (chat) {
      note('chat.exported', chat);
      for await (const line of eraser.exported(chat)) yield `${line}\n`;
    },
    async erase(chat, tell) {
      await uploads.sweep();
      await settleSending();
      const { number } = await eraser.order(chat);
      note('chat.erased', `/v1/erasures/${number}`);
      await eraser.finish((erasure) => tell(erasureView(erasure)));
      const done = (await eraser.orders()).find((order) => order.number === number);
      return done === undefined ? { number } : erasureView(done);
    },
    async close() {
      for (const what of open.reverse()) await what.close();
    },
  };
}
