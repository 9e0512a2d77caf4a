import { createParser } from 'eventsource-parser';
import { onTestFinished } from 'vitest';
import { type Json, type Started, start } from '../sandbox/start.ts';
import { createKey, freeEnv, startServer } from './support.ts';

/** An answer of the HTTP edge. */
export interface Answer {
  readonly status: number;
  readonly body: Json;
}

/** Sends a request with a key (none: empty); a body that is a text goes as it is, anything else as JSON. */
export async function ask(url: string, key: string, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: {
      ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      'idempotency-key': crypto.randomUUID(),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

/** A reader of the journal from its beginning, live. */
export interface Reader {
  /** The data of the first entry, JSON as it came, for which this holds. Waits for it. */
  first(wanted: (data: string) => boolean): Promise<string>;
  /** All so far. */
  readonly entries: readonly string[];
  /** Resolves when the server ends the stream. */
  readonly ended: Promise<void>;
}

/** Reads /v1/events until the test is over. */
export async function readEvents(url: string, key: string, query = ''): Promise<Reader> {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const headers = { authorization: `Bearer ${key}` };
  const response = await fetch(`${url}/v1/events?from=earliest${query}`, { headers, signal: leave.signal });
  if (!response.ok || response.body === null) throw new Error(`The stream answered ${response.status}`);
  const texts = response.body.pipeThrough(new TextDecoderStream());
  const entries: string[] = [];
  const listeners = new Set<() => void>();
  const parser = createParser({
    onEvent({ event = '', data }) {
      if (event.startsWith('stream.')) return;
      entries.push(data);
      for (const look of listeners) look();
    },
  });
  const read = async (): Promise<void> => {
    for await (const text of texts) parser.feed(text);
  };
  return {
    entries,
    ended: read().catch(() => {}),
    first: (wanted) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = entries.find(wanted);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
  };
}

/** A real process that serves a bot of the test's own sandbox, with a key of an admin. */
export async function serveBot() {
  const started: Started = await start();
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: started.token, TELEGRAM_API_ROOT: started.sandbox.url };
  const [server, { key }] = await Promise.all([startServer(env), createKey(env, 'admin')]);
  await started.untilPolling();
  return { ...started, server, url: server.url, env, key };
}
