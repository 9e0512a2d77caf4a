import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../errors.ts';
import { limits } from '../limits.ts';
import { NO_MARKS, type SendMarks } from './marks.ts';

export interface DiskMarksOptions {
  /** The data folder. Whoever opens the marks holds its lock, so that the process before is dead. */
  readonly folder: string;
  readonly stream: string;
  /** Changes whenever the machine starts; null: not known here, and nothing is noted. */
  readonly bootId: string | null;
  readonly log: { warn(fields: object, message: string): void };
}

const HEADER_BYTES = 256;
const SLOT_BYTES = 16;

/**
 * Marks in a ring of limits.sendMarks slots, each the seq and the attempts of a call that waits, or zeros. Written without
 * a sync: the kernel keeps what a killed process wrote. A machine that lost its power has another boot id afterwards, and the
 * marks of an earlier boot are not believed. The process that reads the file takes it away: a process that notes nothing may
 * be the next, and must not leave marks of an earlier one behind. A slot that is needed for another call is taken: the call counts as left.
 */
export function createDiskMarks({ folder, stream, bootId, log }: DiskMarksOptions): SendMarks & { close(): void } {
  const path = join(folder, 'switchboard.sending');
  const found = takeAway(path);
  if (bootId === null) return { ...NO_MARKS, close() {} };
  const header = headerOf(bootId, stream);
  const before = marksIn(found, header);
  const slots = new Map<number, number>();
  const occupants: (number | undefined)[] = [];
  /** What the slots of the file hold, or are to hold. */
  const ring = Buffer.alloc(limits.sendMarks * SLOT_BYTES);
  let next = 0;
  let file: number | null = null;
  /** A write failed: the file may hold marks that the ring does not. */
  let isBehind = false;

  function set(slot: number, seq: number, attempts: number): void {
    ring.writeDoubleLE(seq, slot * SLOT_BYTES);
    ring.writeDoubleLE(attempts, slot * SLOT_BYTES + 8);
  }

  function write(first: number, last: number): void {
    if (file === null) throw new Error(`${path} is closed`);
    const [from, length] = isBehind ? [0, ring.length] : [first * SLOT_BYTES, (last - first + 1) * SLOT_BYTES];
    isBehind = true;
    if (writeSync(file, ring, from, length, HEADER_BYTES + from) !== length)
      throw new Error(`${path} does not take a mark`);
    isBehind = false;
  }

  function close(): void {
    if (file !== null) closeSync(file);
    file = null;
  }

  const warn = (error: unknown) =>
    log.warn({ event: 'send_marks_failed', error: errorText(error) }, 'after a crash more messages will be unknown');

  /** A message has one slot, so that no older mark of it stays. */
  function slotFor(seq: number): number {
    const own = slots.get(seq);
    if (own !== undefined) return own;
    const slot = next;
    next = (next + 1) % limits.sendMarks;
    const occupant = occupants[slot];
    if (occupant !== undefined) slots.delete(occupant);
    occupants[slot] = seq;
    slots.set(seq, slot);
    return slot;
  }

  return {
    waiting(calls) {
      if (calls.length === 0 || file === null) return;
      let first: number = limits.sendMarks;
      let last = 0;
      for (const { seq, attempts } of calls) {
        const slot = slotFor(seq);
        set(slot, seq, attempts);
        first = Math.min(first, slot);
        last = Math.max(last, slot);
      }
      try {
        write(first, last);
      } catch (error) {
        warn(error);
      }
    },
    leaving({ seq }) {
      const slot = slots.get(seq);
      if (slot === undefined && !isBehind) return;
      if (slot !== undefined) set(slot, 0, 0);
      write(slot ?? 0, slot ?? 0);
      if (slot === undefined) return;
      // Only now: until the slot is known to be empty, it is this message's to empty.
      slots.delete(seq);
      occupants[slot] = undefined;
    },
    neverLeft: ({ seq, attempts }) => before.has(`${seq}/${attempts}`),
    begin() {
      try {
        file = openSync(path, 'w', 0o600);
        writeSync(file, Buffer.concat([header, ring]));
      } catch (error) {
        close();
        warn(error);
      }
    },
    close,
  };
}

/** Linux tells when the machine was started anew; null elsewhere. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() || null;
  } catch {
    return null;
  }
}

function headerOf(bootId: string, stream: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(`switchboard sending 1\n${bootId}\n${stream}\n`);
  return header;
}

/** What the file holds. Nothing unless it is gone then: a mark is believed once. */
function takeAway(path: string): Buffer {
  try {
    const bytes = readFileSync(path);
    rmSync(path);
    return bytes;
  } catch {
    return Buffer.alloc(0);
  }
}

/** The calls that waited, as `seq/attempts`. None if the marks are of another boot or another journal, or damaged. */
function marksIn(bytes: Buffer, header: Buffer): ReadonlySet<string> {
  const marks = new Set<string>();
  if (!bytes.subarray(0, HEADER_BYTES).equals(header)) return marks;
  for (let at = HEADER_BYTES; at + SLOT_BYTES <= bytes.length; at += SLOT_BYTES) {
    const seq = bytes.readDoubleLE(at);
    if (seq > 0) marks.add(`${seq}/${bytes.readDoubleLE(at + 8)}`);
  }
  return marks;
}
