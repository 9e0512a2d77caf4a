import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import type { StreamLine } from './client-events.ts';

/** Switchboard refuses to give these events: coming back as before is in vain. */
export class EventsRefused extends Error {
  /** HTTP's. */
  readonly status: number;
  /** Switchboard's code: `key_missing`, `scope_missing`, `event_id_malformed`, … ; empty where it told none. */
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(`The events are refused: ${status} ${detail || code}`);
    this.name = 'EventsRefused';
    this.status = status;
    this.code = code;
  }
}

export interface StreamAddress {
  readonly url: string;
  readonly key: string;
  readonly query: readonly (readonly string[])[];
}

/** A stream; or not now: `afterMs` tells when, where the server says so. */
export type Opened =
  | { readonly kind: 'stream'; readonly lines: AsyncGenerator<StreamLine, void, undefined> }
  | { readonly kind: 'later'; readonly afterMs: number | null };

export interface Means {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

/** Opens `/v1/events` as NDJSON, and gives up where no answer comes. Throws EventsRefused. */
export async function open(address: StreamAddress, connection: AbortController, means: Means): Promise<Opened> {
  const timer = means.clock.setTimeout(() => connection.abort(), limits.clientSilenceMs);
  try {
    return await ask(address, connection.signal, means);
  } finally {
    means.clock.clearTimeout(timer);
  }
}

async function ask(
  { url, key, query }: StreamAddress,
  signal: AbortSignal,
  // By itself: as a method of another object a browser's own fetch refuses to run.
  { fetch, clock }: Means,
): Promise<Opened> {
  const address = new URL(`${url.replace(/\/+$/, '')}/v1/events`);
  for (const [name = '', value = ''] of query) address.searchParams.append(name, value);
  const headers = { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' };
  const response = await fetch(address, { headers, signal, cache: 'no-store' }).catch(() => null);
  if (response === null) return { kind: 'later', afterMs: null };
  if (response.ok && response.body !== null) return { kind: 'stream', lines: linesOf(response.body, clock) };
  // Only a person can mend a damaged database.
  if (response.status === 500) {
    const refused = await refusal(response);
    if (refused.code === 'data_damaged') throw refused;
    return { kind: 'later', afterMs: null };
  }
  if (response.status < 500 && response.status !== 429 && response.status !== 408) throw await refusal(response);
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  await response.body?.cancel().catch(() => {});
  return { kind: 'later', afterMs: Number.isFinite(seconds) ? seconds * 1000 : null };
}

async function refusal(response: Response): Promise<EventsRefused> {
  const problem: unknown = await response.json().catch(() => null);
  const { code = '', detail = '' } = Object(problem);
  return new EventsRefused(response.status, String(code), String(detail));
}

/** Line by line until the stream ends, breaks off or stands still: whoever comes back then has lost nothing. */
async function* linesOf(body: ReadableStream<Uint8Array>, clock: Clock): AsyncGenerator<StreamLine, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const timer = clock.setTimeout(() => void reader.cancel().catch(() => {}), limits.clientSilenceMs);
      const chunk = await reader.read().catch(() => null);
      clock.clearTimeout(timer);
      if (chunk === null || chunk.done) return;
      const [end = '', ...parts] = decoder.decode(chunk.value, { stream: true }).split('\n');
      // What came before is not looked through again: a long line comes in many pieces.
      parts.unshift(rest + end);
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const line = lineOf(part);
        if (line === null) return;
        yield line;
      }
      if (rest.length > limits.clientLineLengthMax) return;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** A line; null where it is none, as when something on the way has cut or replaced it. */
function lineOf(text: string): StreamLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return isLine(value) ? value : null;
  } catch {
    return null;
  }
}

const isLine = (value: unknown): value is StreamLine => {
  if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string') return false;
  return value.type.startsWith('stream.') || ('seq' in value && typeof value.seq === 'number');
};
