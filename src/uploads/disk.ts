import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorText, isFileMissing, SwitchboardError } from '../errors.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { type IncomingPart, type Upload, type Uploads, uploadsOf } from './uploads.ts';

export interface DiskUploadsOptions {
  /** The data folder: files lie in `uploads` below it. */
  readonly folder: string;
  readonly journal: Pick<Journal, 'write' | 'onCommit' | 'messagesWithFiles' | 'bot'>;
  readonly randomBytes: (size: number) => Buffer;
  readonly log: { warn(fields: object, message: string): void };
}

/** After these a message is never sent again. */
const FINAL: readonly string[] = ['sent', 'failed', 'expired', 'canceled'];

/**
 * Uploads on the disk. A file is written and flushed before its message is accepted; it is deleted once the journal
 * tells that the message's fate is final. `sweep` finds what a crash left behind between those: files of no message, and
 * files of messages that had ended.
 */
export function createDiskUploads({ folder, journal, randomBytes, log }: DiskUploadsOptions) {
  const root = join(folder, 'uploads');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  /** Files of messages that wait, by the message's id. */
  const held = new Map<string, readonly Upload[]>();
  let heldBytes = 0;
  /** Of these the bytes of each key, and whose each file is. */
  const bytesOf = new Map<string, number>();
  const ownerOf = new Map<string, string>();

  /** A file of a key grows by so much, or goes. */
  function count(keyId: string | undefined, bytes: number): void {
    heldBytes += bytes;
    if (keyId === undefined) return;
    const left = (bytesOf.get(keyId) ?? 0) + bytes;
    if (left > 0) bytesOf.set(keyId, left);
    else bytesOf.delete(keyId);
  }

  function requireRoom(keyId: string, bytes: number): void {
    const retryAfterMs = limits.outboxFullRetryMs;
    if (heldBytes + bytes > limits.uploadsHeldBytesMax)
      throw new SwitchboardError('outbox_full', 'The files that wait to be sent fill their room', { retryAfterMs });
    if ((bytesOf.get(keyId) ?? 0) + bytes > limits.keyUploadsHeldBytesMax)
      throw new SwitchboardError('quota_exceeded', "The key's files that wait to be sent fill its share", {
        retryAfterMs,
      });
  }

  const pathOf = ({ stored }: Pick<Upload, 'stored'>): string => join(root, stored);

  async function receive({ part, name, type, bytes }: IncomingPart, bytesMax: number, keyId: string) {
    const stored = randomBytes(16).toString('hex');
    const hash = createHash('sha256');
    let size = 0;
    const file = await open(pathOf({ stored }), 'wx', 0o600);
    ownerOf.set(stored, keyId);
    try {
      for await (const chunk of bytes) {
        if (size + chunk.length > bytesMax) {
          throw new SwitchboardError(
            'body_too_large',
            `The files of a message hold ${limits.uploadBytesMax} bytes at most`,
          );
        }
        requireRoom(keyId, chunk.length);
        size += chunk.length;
        count(keyId, chunk.length);
        hash.update(chunk);
        await file.write(chunk);
      }
      await file.sync();
      await file.close();
      await syncFolder();
      return { part, name, type, size, sha256: hash.digest('hex'), stored };
    } catch (error) {
      await file.close().catch(() => {});
      await remove({ stored, size });
      throw error;
    }
  }

  /** A file's name is durable with its folder. */
  async function syncFolder(): Promise<void> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(root, 'r');
      await handle.sync();
    } finally {
      await handle?.close();
    }
  }

  async function remove({ stored, size }: Pick<Upload, 'stored' | 'size'>): Promise<void> {
    count(ownerOf.get(stored), -size);
    ownerOf.delete(stored);
    await unlink(pathOf({ stored })).catch((error: unknown) => {
      if (isFileMissing(error)) return;
      log.warn({ event: 'upload_not_deleted', error: errorText(error) }, 'a file that is no longer needed stays');
    });
  }

  async function discard(uploads: readonly Upload[]): Promise<void> {
    // Their message was not accepted after all: its id is the next one's.
    for (const [id, own] of held) if (own === uploads) held.delete(id);
    await Promise.all(uploads.map(remove));
  }

  /** Deletes a message's files, then forgets them in its row. */
  async function release(seq: number, uploads: readonly Upload[]): Promise<void> {
    await discard(uploads);
    // Where this fails the next start does it.
    await journal.write(async (tx) => tx.changeMessage(seq, { files: null })).catch(() => {});
  }

  journal.onCommit(({ entries }) => {
    if (held.size === 0) return;
    for (const { type, body } of entries) {
      if (!type.startsWith('message.') || !FINAL.includes(type.slice('message.'.length))) continue;
      const id = String(JSON.parse(body).message.id);
      const uploads = held.get(id);
      if (uploads === undefined || !held.delete(id)) continue;
      void release(Number(id.slice(id.indexOf('-') + 1)), uploads);
    }
  });

  const uploads: Uploads & { sweep(): Promise<void> } = {
    receive,
    keep: (messageId, files) => void held.set(messageId, files),
    discard,
    pathOf,

    async forget(messageId, files) {
      const own = held.get(messageId);
      held.delete(messageId);
      if (own !== undefined) return discard(own);
      // Their room is given back already: their message has ended, and they are being deleted.
      await Promise.all(files.map(({ stored }) => remove({ stored, size: 0 })));
    },

    /** At start, before anything is received: what a crash left behind goes, and what waits is held again. */
    async sweep() {
      const needed = new Set<string>();
      for (const { seq, status, files, keyId } of await journal.messagesWithFiles()) {
        const own = uploadsOf(files);
        for (const { stored, size } of own) {
          if (keyId !== null) ownerOf.set(stored, keyId);
          count(keyId ?? undefined, size);
        }
        if (FINAL.includes(status)) await release(seq, own);
        else {
          held.set(`${journal.bot}-${seq}`, own);
          for (const { stored } of own) needed.add(stored);
        }
      }
      for (const stored of await readdir(root)) {
        if (needed.has(stored)) continue;
        const { size } = await stat(pathOf({ stored }));
        heldBytes += size;
        await remove({ stored, size });
      }
    },
  };
  return uploads;
}
