import type { DatabaseSync } from 'node:sqlite';
import type { Entry, ReadQuery } from './journal.ts';
import { chatCell, type SeqRange } from './sqlite-rows.ts';
import type { Units } from './sqlite-units.ts';

/** Entries in a block of the index (0006-units.sql). */
const BLOCK = 4096;

/** The block of the index that holds an entry's id. */
export const blockOfId = (id: number): number => Math.floor(id / BLOCK);

/** At least one is not null. */
type EntryFilter = Pick<ReadQuery, 'chats' | 'types' | 'owner'>;
type Key = number | string;
/** Where the entries of a key are within one block, in order. */
type Places = Map<Key, number[]>;

const typeKey = (type: string): string => `type ${type}`;
const ownerKey = (owner: string): string => `owner ${owner}`;

function note(places: Places, key: Key, place: number): void {
  const those = places.get(key);
  if (those === undefined) places.set(key, [place]);
  else those.push(place);
}

/**
 * Which entries a chat, a type or an owner has. Blocks that are full have their rows; the one being filled is in memory, made
 * from its entries when the journal is opened, and written by the commit that fills it.
 */
export function openEntryIndex(db: DatabaseSync, reader: DatabaseSync, range: SeqRange, units: Units, head: number) {
  const add = db.prepare('INSERT INTO entry_index (block, key, places) VALUES (?, ?, ?)');
  const find = reader.prepare('SELECT places FROM entry_index WHERE block = ? AND key = ?');
  const blockOf = (seq: number): number => blockOfId(range.id(seq));

  /** Adds entries to the places of their blocks. */
  function gather(entries: Iterable<Entry>, blocks = new Map<number, Places>()): Map<number, Places> {
    for (const { seq, type, chat, owner = null } of entries) {
      const block = blockOf(seq);
      const places = blocks.get(block) ?? new Map();
      if (places.size === 0) blocks.set(block, places);
      const place = range.id(seq) % BLOCK;
      note(places, typeKey(type), place);
      const cell = chatCell(chat);
      if (cell !== null) note(places, cell, place);
      if (owner !== null) note(places, ownerKey(owner), place);
    }
    return blocks;
  }

  let openBlock = blockOf(Math.max(head, 1));
  const openFrom = Math.max(1, range.seq(openBlock * BLOCK));
  let open: Places = gather(head === 0 ? [] : units.from(openFrom)).get(openBlock) ?? new Map();

  function seal(block: number, places: Places): void {
    // In the order of the key, as the rows lie.
    const keys = [...places.keys()].sort((a, b) =>
      typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1,
    );
    for (const key of keys) add.run(block, key, bytesOf(places.get(key) ?? []));
  }

  function placesOf(block: number, key: Key): ArrayLike<number> {
    if (block >= openBlock) return block === openBlock ? (open.get(key) ?? []) : [];
    const places = find.get(block, key)?.places;
    return places instanceof Uint8Array ? numbersOf(places) : [];
  }

  function union(block: number, keys: readonly Key[]): number[] {
    if (keys.length === 1 && keys[0] !== undefined) return Array.from(placesOf(block, keys[0]));
    return [...new Set(keys.flatMap((key) => Array.from(placesOf(block, key))))].sort((a, b) => a - b);
  }

  return {
    /**
     * Within the transaction that commits these entries: writes the blocks that they fill. What it returns is to be
     * called once that has committed.
     */
    commit(entries: readonly Entry[]): () => void {
      const last = entries.at(-1);
      if (last === undefined) return () => {};
      if (blockOf(last.seq) === openBlock) return () => void gather(entries, new Map([[openBlock, open]]));
      // The open block's places are copied: the transaction may yet fail.
      const copy: Places = new Map([...open].map(([key, places]) => [key, [...places]]));
      const blocks = gather(entries, new Map([[openBlock, copy]]));
      const lastBlock = blockOf(last.seq);
      for (const [block, places] of blocks) if (block < lastBlock) seal(block, places);
      return () => {
        openBlock = lastBlock;
        open = blocks.get(lastBlock) ?? new Map();
      };
    },
    /** The seqs from `first` to `head` that are of these chats, these types and this owner, in order. Null: of any. */
    *seqs(first: number, head: number, { chats = null, types = null, owner = null }: EntryFilter): Generator<number> {
      const wanted: (readonly Key[])[] = [];
      if (chats !== null) wanted.push([...new Set(chats.map(chatCell))].filter((cell) => cell !== null));
      if (types !== null) wanted.push([...new Set(types)].map(typeKey));
      if (owner !== null) wanted.push([ownerKey(owner)]);
      const [some = [], ...others] = wanted;
      for (let block = blockOf(first); block <= blockOf(head); block += 1) {
        let places = union(block, some);
        for (const keys of others) {
          if (places.length === 0) break;
          const those = new Set(union(block, keys));
          places = places.filter((place) => those.has(place));
        }
        for (const place of places) {
          const seq = range.seq(block * BLOCK + place);
          if (seq >= first && seq <= head) yield seq;
        }
      }
    },
  };
}
export type EntryIndex = ReturnType<typeof openEntryIndex>;

function bytesOf(places: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(places.length * 2);
  places.forEach((place, n) => {
    bytes[2 * n] = place & 255;
    bytes[2 * n + 1] = place >> 8;
  });
  return bytes;
}

const numbersOf = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 2 }, (_, n) => (bytes[2 * n] ?? 0) + (bytes[2 * n + 1] ?? 0) * 256);
