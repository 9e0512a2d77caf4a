import type { Entry } from '../journal/journal.ts';
import { entryText, eventId, type Subscription } from './operators.ts';

export type Format = Subscription['format'];

/**
 * An entry as bytes for both formats: the SSE frame `id: …\nevent: …\ndata: {…}\n\n`, and within it, from `dataAt` to
 * one byte before the end, the NDJSON line `{…}\n`.
 */
export interface Frame {
  readonly sse: Buffer;
  readonly dataAt: number;
}

/** Encodes an entry once for all readers. Its JSON has no line ends (entryText), so that no text can break the frame. */
export function frameOf(stream: string, entry: Entry): Frame {
  const head = `id: ${eventId(stream, entry.seq)}\nevent: ${entry.type}\ndata: `;
  // The head is ASCII: as many bytes as characters.
  return { sse: Buffer.from(`${head}${entryText(entry)}\n\n`), dataAt: head.length };
}

export const bytesOf = (frame: Frame, format: Format): Buffer =>
  format === 'sse' ? frame.sse : frame.sse.subarray(frame.dataAt, frame.sse.length - 1);

/** A control event: told to this reader alone, never journalled, without an id. */
export function controlFrame(format: Format, type: string, fields: Readonly<Record<string, unknown>>): string {
  const data = JSON.stringify({ type, ...fields });
  return format === 'sse' ? `event: ${type}\ndata: ${data}\n\n` : `${data}\n`;
}

/**
 * What opens a stream: `stream.hello` and, for SSE, when to come back and a block that has nothing but an id: it
 * dispatches no event, and a client that loses the stream before its first event still resumes from here.
 */
export function opening(
  format: Format,
  at: {
    readonly stream: string;
    readonly first: number;
    readonly head: number;
    readonly after: number;
    /** Not every entry comes: a seq that is missing means nothing. */
    readonly filtered: boolean;
  },
  retryMs: number,
): string {
  const { stream, first, head, after, filtered } = at;
  const hello = controlFrame(format, 'stream.hello', { stream, first, head, ...(filtered ? { filtered } : {}) });
  return format === 'sse' ? `retry: ${retryMs}\n${hello}id: ${eventId(stream, after)}\n\n` : hello;
}

/**
 * Shows both sides that the other is there: a comment; in NDJSON, where there are none, a control line. A reader that
 * does not get every entry is told too how far it has come (`at`), so that it comes back behind what was not for it.
 */
export function heartbeat(format: Format, at: { readonly stream: string; readonly seq: number } | null): string {
  if (format === 'ndjson') return controlFrame(format, 'stream.heartbeat', at === null ? {} : { seq: at.seq });
  // An id without data dispatches no event.
  return at === null ? ':\n\n' : `:\nid: ${eventId(at.stream, at.seq)}\n\n`;
}
