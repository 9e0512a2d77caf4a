import { appendFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { streamsOf } from './data-folder.ts';
import type { CopyHold } from './journal.ts';
import { int, intOrNull, type Row, text, textOrNull } from './sqlite-rows.ts';

export interface HeadOptions {
  readonly db: DatabaseSync;
  readonly bot: string;
  readonly newStreamId: () => string;
  readonly newSecret: () => string;
  /** ms since 1970. */
  readonly now: number;
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
 *
 * A copied folder has the line too, but its `switchboard.stream` is another file than the one that the database remembers.
 * Messages that wait in a copy may have been sent since it was made: with the new name, the outbox is held.
 */
export function takeEpoch({ db, bot, newStreamId, newSecret, now, onRenamed }: HeadOptions) {
  const database = db.location();
  if (database === null) throw new TypeError('A journal is kept in a file');
  const marker = join(dirname(database), 'switchboard.stream');
  const before = db.prepare('SELECT stream, marker FROM head WHERE bot = ?').get(bot);
  const known = before === undefined ? null : text(before, 'stream');
  const remembered = before === undefined ? null : textOrNull(before, 'marker');
  const isOurs =
    known !== null && streamsOf(dirname(database)).includes(known) && isSameFile(remembered, fileOf(marker));
  const isCopy = known !== null && !isOurs;
  const row = db
    .prepare(
      `INSERT INTO head (bot, slot, stream, next_seq, epoch, button_secret, buttons_since)
       VALUES (?1, (SELECT coalesce(max(slot) + 1, 0) FROM head), ?2, 1, 1, ?5, 1)
       ON CONFLICT (bot) DO UPDATE SET epoch = epoch + 1, stream = excluded.stream,
         held_since = CASE WHEN ?3 THEN ?4 ELSE held_since END, held_from = CASE WHEN ?3 THEN next_seq ELSE held_from END,
         button_secret = coalesce(button_secret, excluded.button_secret), buttons_since = coalesce(buttons_since, next_seq)
       RETURNING slot, stream, next_seq, epoch, poll_offset, held_since, held_from, button_secret, buttons_since`,
    )
    .get(bot, isOurs ? known : newStreamId(), Number(isCopy), now, newSecret());
  if (row === undefined) throw new TypeError('SQLite returned no head row');
  const stream = text(row, 'stream');
  // After a line end: one that a crash has torn must not swallow it.
  if (!isOurs) appendFileSync(marker, `\n${stream}\n`, { flush: true, mode: 0o600 });
  const file = fileOf(marker);
  if (file !== remembered) db.prepare('UPDATE head SET marker = ? WHERE bot = ?').run(file, bot);
  if (isCopy) onRenamed?.(stream);
  return {
    slot: int(row, 'slot'),
    stream,
    nextSeq: int(row, 'next_seq'),
    epoch: int(row, 'epoch'),
    pollOffset: intOrNull(row, 'poll_offset'),
    hold: holdOf(row),
    buttons: { secret: text(row, 'button_secret'), since: int(row, 'buttons_since') },
  };
}

function holdOf(row: Row): CopyHold | null {
  const [since, from] = [intOrNull(row, 'held_since'), intOrNull(row, 'held_from')];
  return since === null || from === null ? null : { since, from };
}

/** What tells a file from its copy: its inode and the time of its birth, which no program can set. Null: there is no file. */
function fileOf(path: string): string | null {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.ino} ${stat.birthtimeNs}`;
}

/** False only if both differ: some file systems keep no time of birth, and some give another inode with each mount. */
function isSameFile(remembered: string | null, file: string | null): boolean {
  if (remembered === null || file === null) return true;
  const parts = file.split(' ');
  return remembered.split(' ').some((part, n) => part === parts[n]);
}
