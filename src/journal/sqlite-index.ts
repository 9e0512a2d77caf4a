import type { DatabaseSync } from 'node:sqlite';
import type { Entry } from './journal.ts';
import { chatCell, int, type SeqRange } from './sqlite-rows.ts';
import type { Units } from './sqlite-units.ts';

/** Entries in a block of the index (0006-units.sql). */
const BLOCK = 4096;

/** The block of the index that holds an entry's id. */
export const blockOfId = (id: number): number => Math.floor(id / BLOCK);

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
  const ofOwner = reader.prepare(
    `SELECT block FROM entry_index INDEXED BY entry_index_by_owner
     WHERE key = ?1 AND key >= 'owner ' AND key < 'owner!' AND block BETWEEN ?2 AND ?3 ORDER BY block`,
  );
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
  let open: Places = gather(head === 0 ? [] : units.withOwners(openFrom)).get(openBlock) ?? new Map();

  function seal(block: number, places: Places): void {
    // In the order of the key, as the rows lie.
    const keys = [...places.keys()].sort((a, b) =>
      typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === 'number' ? -1 : 1,
    );
    for (const key of keys) add.run(block, key, bytesOf(places.get(key) ?? []));
  }

  function placesOf(block: number, key: Key): readonly number[] {
    if (block >= openBlock) return block === openBlock ? (open.get(key) ?? []) : [];
    const places = find.get(block, key)?.places;
    return places instanceof Uint8Array ? numbersOf(places) : [];
  }

  function union(block: number, keys: readonly Key[]): readonly number[] {
    if (keys.length === 1 && keys[0] !== undefined) return placesOf(block, keys[0]);
    return [...new Set(keys.flatMap((key) => placesOf(block, key)))].sort((a, b) => a - b);
  }

  function* seqsIn(block: number, places: readonly number[], first: number, head: number): Generator<number> {
    for (const place of places) {
      const seq = range.seq(block * BLOCK + place);
      if (seq >= first && seq <= head) yield seq;
    }
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
    /** The seqs from `first` to `head` of these chats and these types, in order. Null: all of them. */
    *seqs(
      first: number,
      head: number,
      chats: readonly string[] | null,
      types: readonly string[] | null,
    ): Generator<number> {
      const chatKeys = chats === null ? null : [...new Set(chats.map(chatCell))].filter((cell) => cell !== null);
      const typeKeys = types === null ? null : [...new Set(types)].map(typeKey);
      for (let block = blockOf(first); block <= blockOf(head); block += 1) {
        let places = union(block, chatKeys ?? typeKeys ?? []);
        if (chatKeys !== null && typeKeys !== null && places.length > 0) {
          const ofTypes = new Set(union(block, typeKeys));
          places = places.filter((place) => ofTypes.has(place));
        }
        yield* seqsIn(block, places, first, head);
      }
    },
    /** The last of the seqs from `first` to `head` of these chats and this owner. Null: all of them. */
    last(first: number, head: number, chats: readonly string[] | null, owner: string | null): number | null {
      const chatKeys = chats === null ? null : [...new Set(chats.map(chatCell))].filter((cell) => cell !== null);
      if (chatKeys === null && owner === null) return head < first ? null : head;
      for (let block = blockOf(head); block >= blockOf(first); block -= 1) {
        let places = owner === null ? union(block, chatKeys ?? []) : placesOf(block, ownerKey(owner));
        if (owner !== null && chatKeys !== null && places.length > 0) {
          const ofChats = new Set(union(block, chatKeys));
          places = places.filter((place) => ofChats.has(place));
        }
        const last = [...seqsIn(block, places, first, head)].at(-1);
        if (last !== undefined) return last;
      }
      return null;
    },
    /** The seqs from `first` to `head` of an owner, in order. Blocks that have none of it are not looked at. */
    *seqsOfOwner(owner: string, first: number, head: number): Generator<number> {
      const key = ownerKey(owner);
      const last = blockOf(head);
      const sealed = ofOwner.all(key, blockOf(first), Math.min(last, openBlock - 1)).map((row) => int(row, 'block'));
      for (const block of last < openBlock ? sealed : [...sealed, openBlock]) {
        yield* seqsIn(block, placesOf(block, key), first, head);
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
