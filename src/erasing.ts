import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PaymentStore } from './backend/payment-store.ts';
import type { Clock } from './clock.ts';
import type { Asked, IndexErasing } from './console/console.ts';
import { createEraser, type Eraser, type EraserOptions } from './erase/eraser.ts';
import { isFileMissing } from './errors.ts';
import type { Journal } from './journal/journal.ts';
import { limits } from './limits.ts';
import { end } from './outbox/fate.ts';
import { messageId } from './outbox/outbox.ts';
import { type Uploads, uploadsOf } from './uploads/uploads.ts';

export interface EraserParts extends Pick<EraserOptions, 'log' | 'rewrite' | 'onRewritten'> {
  /** The data folder. */
  readonly folder: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly uploads: Pick<Uploads, 'forget' | 'pathOf'>;
  readonly payments: () => PaymentStore;
  /** The console's index. Asked only if there is one. */
  readonly index: Asked<IndexErasing>;
}

/** Builds the eraser of a data folder: for the server, and for a command that works without one. */
export function buildEraser({ folder, journal, clock, uploads, payments, index, ...parts }: EraserParts): Eraser {
  const hasIndex = () => existsSync(join(folder, 'console.db'));
  return createEraser({
    ...{ journal, clock, ...parts },
    cancel: (tx, message) => end(tx, journal.bot, message, 'canceled', null),
    elsewhere: {
      index: async (erased) => (hasIndex() ? index.erase(erased) : undefined),
      emptyIndex: async () => !hasIndex() || index.empty(),
      files: (seq, files) => uploads.forget(messageId(journal.bot, seq), uploadsOf(files)),
      payments: (ids) => payments().erase(ids),
    },
    exports: {
      stream: journal.stream,
      now: clock.now,
      fileOf: (upload) => bytesOf(uploads.pathOf(upload)),
      payments: (ids) => payments().of(ids),
    },
  });
}

/** None if the file is gone: its message has ended meanwhile. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: limits.exportFileChunkBytes })) yield chunk;
  } catch (error) {
    if (!isFileMissing(error)) throw error;
  }
}
