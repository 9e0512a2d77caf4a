import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { streamsOf } from './data-folder.ts';
import { int, intOrNull, text } from './sqlite-rows.ts';

export interface HeadOptions {
  readonly db: DatabaseSync;
  readonly bot: string;
  readonly newStreamId: () => string;
  /** The database came from elsewhere, as a backup does: its stream has this new name. */
  readonly onRenamed?: (stream: string) => void;
}

/**
 * Takes the bot over: whoever held the epoch before can commit no more (I6).
 *
 * `switchboard.stream`, beside the database, has a line for each stream that was begun in its folder. A database that
 * was brought there, as a backup is, ends before what its readers have seen: they must not go on by their ids, as the
 * same seqs are given again to other entries. So a stream without its line gets a new name, and its readers are reset.
 * The line is written before anybody is served under the name: a crash between the two brings another name, no more.
 */
export function takeEpoch({ db, bot, newStreamId, onRenamed }: HeadOptions) {
  const file = db.location();
  if (file === null) throw new TypeError('A journal is kept in a file');
  const marker = join(dirname(file), 'switchboard.stream');
  const before = db.prepare('SELECT stream FROM head WHERE bot = ?').get(bot);
  const known = before === undefined ? null : text(before, 'stream');
  const isOurs = known !== null && streamsOf(dirname(file)).includes(known);
  const row = db
    .prepare(
      `INSERT INTO head (bot, slot, stream, next_seq, epoch)
       VALUES (?, (SELECT coalesce(max(slot) + 1, 0) FROM head), ?, 1, 1)
       ON CONFLICT (bot) DO UPDATE SET epoch = epoch + 1, stream = excluded.stream
       RETURNING slot, stream, next_seq, epoch, poll_offset`,
    )
    .get(bot, isOurs ? known : newStreamId());
  if (row === undefined) throw new TypeError('SQLite returned no head row');
  const stream = text(row, 'stream');
  // After a line end: one that a crash has torn must not swallow it.
  if (!isOurs) appendFileSync(marker, `\n${stream}\n`, { flush: true });
  if (!isOurs && known !== null) onRenamed?.(stream);
  return {
    slot: int(row, 'slot'),
    stream,
    nextSeq: int(row, 'next_seq'),
    epoch: int(row, 'epoch'),
    pollOffset: intOrNull(row, 'poll_offset'),
  };
}
