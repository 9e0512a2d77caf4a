import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import type { Entry, EntryType } from './journal.ts';
import { chatCell, int, json, type Row, type SeqRange, text } from './sqlite-rows.ts';

/** Writes and reads the rows of `units` (0006-units.sql): the entries of one unit of work each. */
export function prepareUnits(db: DatabaseSync, bot: string, range: SeqRange) {
  const add = db.prepare('INSERT INTO units (id, at, heads, bodies, owners) VALUES (?, ?, ?, ?, ?)');
  const holding = db.prepare('SELECT * FROM units WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1');
  const after = db.prepare('SELECT * FROM units WHERE id > ? AND id <= ? ORDER BY id');
  const first = db.prepare('SELECT min(id) AS id FROM units WHERE id BETWEEN ? AND ?');

  /** The unit read last: a reader that goes through a large one comes for it again and again. */
  let last: Entry[] = [];

  function unitHolding(seq: number): Entry[] {
    if (seq >= (last[0]?.seq ?? Number.POSITIVE_INFINITY) && seq <= (last.at(-1)?.seq ?? 0)) return last;
    const row = holding.get(range.id(1), range.id(seq));
    last = row === undefined ? [] : entriesOf(bot, range, row);
    return last;
  }

  return {
    /** Units may have been rewritten: the one that was read last is read again. */
    forget(): void {
      last = [];
    },
    /** Within a transaction: gives entries other bodies. Those that are not kept are passed over. */
    rewrite(bodies: ReadonlyMap<number, string>): void {
      const write = db.prepare('UPDATE units SET heads = ?, bodies = ? WHERE id = ?');
      last = [];
      for (const seq of [...bodies.keys()].sort((a, b) => a - b)) {
        // The unit of the one before has been written with this one in it.
        if (seq <= (last.at(-1)?.seq ?? 0)) continue;
        const entries = unitHolding(seq).map((entry) => ({ ...entry, body: bodies.get(entry.seq) ?? entry.body }));
        const [one] = entries;
        if (one === undefined || seq > (entries.at(-1)?.seq ?? 0)) continue;
        write.run(headsOf(entries), entries.map(({ body }) => body).join(''), range.id(one.seq));
      }
      last = [];
    },
    /**
     * Entries of seqs from `from` to `to` whose stored text has one of these, of units of about so many characters.
     * `through`: the last seq that was looked at.
     */
    having(texts: readonly string[], from: number, to: number, length: number): { entries: Entry[]; through: number } {
      const has = texts.map(() => 'instr(heads, ?) > 0 OR instr(bodies, ?) > 0').join(' OR ');
      const look = db.prepare(
        `SELECT id, length(bodies) + length(heads) AS length, (${has}) AS hit FROM units WHERE id >= ? AND id <= ? ORDER BY id`,
      );
      const begin = holding.get(range.id(1), range.id(from))?.id ?? range.id(from);
      const found: Entry[] = [];
      let left = length;
      let through = to;
      for (const row of look.iterate(...texts.flatMap((one) => [one, one]), Number(begin), range.id(to))) {
        if (left <= 0) {
          through = range.seq(int(row, 'id')) - 1;
          break;
        }
        left -= int(row, 'length');
        if (row.hit !== 1) continue;
        for (const entry of unitHolding(range.seq(int(row, 'id')))) {
          const { seq, chat, body } = entry;
          if (seq < from || seq > to) continue;
          if (texts.some((one) => chat === one || body.includes(one))) found.push(checked(entry));
        }
      }
      return { entries: found, through };
    },
    /** Adds a unit's entries, of successive seqs and all of the unit's time. */
    add(entries: readonly Entry[]): void {
      const [one] = entries;
      if (one === undefined) return;
      const bodies = entries.map(({ body }) => body).join('');
      add.run(range.id(one.seq), one.at, headsOf(entries), bodies, ownersOf(entries));
    },
    /** The first seq that is kept; null in an empty journal. */
    firstSeq(): number | null {
      const id = first.get(range.id(1), range.last)?.id;
      return typeof id === 'number' ? range.seq(id) : null;
    },
    /** The entries from a seq on, and up to another, in order, a unit at a time. */
    *from(seq: number, to = Number.POSITIVE_INFINITY): Generator<Entry> {
      const begun = unitHolding(seq);
      for (const entry of begun) if (entry.seq >= seq && entry.seq <= to) yield checked(entry);
      const last = begun.at(-1)?.seq ?? seq - 1;
      for (const row of rowsOf(after, range.id(last), Math.min(range.id(to), range.last))) {
        for (const entry of entriesOf(bot, range, row)) if (entry.seq <= to) yield checked(entry);
      }
    },
    /** The entries from a seq on, in order, with their owners. */
    *withOwners(seq: number): Generator<Entry> {
      const begin = holding.get(range.id(1), range.id(seq))?.id ?? range.id(seq);
      for (const row of rowsOf(after, Number(begin) - 1, range.last)) {
        const owners = ownersIn(row);
        for (const [n, entry] of entriesOf(bot, range, row).entries()) {
          if (entry.seq >= seq) yield { ...entry, owner: owners[n] ?? null };
        }
      }
    },
    /** The entries of these seqs, which are in order. What is not kept any more is left out. */
    *of(seqs: Iterable<number>): Generator<Entry> {
      let unit: Entry[] = [];
      for (const seq of seqs) {
        if (seq > (unit.at(-1)?.seq ?? 0)) unit = unitHolding(seq);
        const entry = unit[seq - (unit[0]?.seq ?? 0)];
        if (entry?.seq === seq) yield checked(entry);
      }
    },
  };
}
export type Units = ReturnType<typeof prepareUnits>;

/**
 * A statement's rows. node:sqlite leaves a statement that has failed as it is, and its next use throws the same error once
 * more: whoever reads other rows next would be told of damage that they do not meet.
 */
function* rowsOf(statement: StatementSync, ...params: readonly number[]): Generator<Row> {
  try {
    yield* statement.iterate(...params);
  } catch (error) {
    try {
      statement.iterate(...params);
    } catch {
      // That was the once more.
    }
    throw error;
  }
}

/** `"update.received",777,450,…`: JSON, put together by hand since it is done for every entry. */
function headsOf(entries: readonly Entry[]): string {
  let heads = '';
  for (const { type, chat, body } of entries) {
    const cell = chatCell(chat);
    const place = typeof cell === 'string' ? JSON.stringify(cell) : cell;
    heads += `${heads === '' ? '[' : ','}"${type}",${place},${body.length}`;
  }
  return `${heads}]`;
}

/** `[["key",117]]`: whose the entries are, those of one in a row together. Null: nobody's. */
function ownersOf(entries: readonly Entry[]): string | null {
  const runs: [owner: string | null, entries: number][] = [];
  for (const { owner = null } of entries) {
    const last = runs.at(-1);
    if (last?.[0] === owner) last[1] += 1;
    else runs.push([owner, 1]);
  }
  return runs.every(([owner]) => owner === null) ? null : JSON.stringify(runs);
}

const isRun = (run: unknown): run is [owner: string | null, entries: number] =>
  Array.isArray(run) && (run[0] === null || typeof run[0] === 'string') && Number.isInteger(run[1]) && run[1] >= 0;

/** An owner an entry; empty where none has one. */
function ownersIn(row: Row): readonly (string | null)[] {
  if (row.owners === null) return [];
  const runs = json(row, 'owners');
  if (!Array.isArray(runs) || !runs.every(isRun)) throw damaged('the column owners holds no owners');
  return runs.flatMap(([owner, entries]) => Array.from({ length: entries }, () => owner));
}

/**
 * An entry as it leaves the database. Its body goes to readers without being parsed: what is no JSON object would break
 * their frames, or be taken for something else. Throws data_damaged: nobody may skip the entry (I4).
 */
function checked(entry: Entry): Entry {
  if (entry.body.startsWith('{') && isJson(entry.body)) return entry;
  throw damaged(`entry ${entry.seq} is no JSON object`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What stands in a frame without being escaped. */
const TYPE = /^[a-z_.]+$/;
/** ECMA-262: the largest time of a Date. */
const TIME_MAX = 8.64e15;

function entriesOf(bot: string, range: SeqRange, row: Row): Entry[] {
  const [at, firstSeq] = [int(row, 'at'), range.seq(int(row, 'id'))];
  const [headsText, bodies] = [text(row, 'heads'), text(row, 'bodies')];
  const heads: unknown = isJson(headsText) ? JSON.parse(headsText) : null;
  if (!Array.isArray(heads) || heads.length % 3 !== 0 || Math.abs(at) > TIME_MAX) {
    throw damaged(`the entries from ${firstSeq} on have no heads`);
  }
  const entries: Entry[] = [];
  let begin = 0;
  for (let n = 0; n < heads.length; n += 3) {
    const [type, chat, length] = [heads[n], heads[n + 1], heads[n + 2]];
    // A unit of one entry is all its body: the length of what was written before there were units counts characters.
    if (typeof type !== 'string' || !TYPE.test(type)) throw damaged(`entry ${firstSeq + n / 3} has no type`);
    const end = heads.length === 3 ? bodies.length : begin + length;
    entries.push({
      seq: firstSeq + n / 3,
      // Entries outlive the version that wrote them: a type that this version does not know is passed on as it is.
      type: type as EntryType,
      bot,
      chat: chat === null ? null : String(chat),
      at,
      body: bodies.slice(begin, end),
    });
    begin = end;
  }
  return entries;
}
