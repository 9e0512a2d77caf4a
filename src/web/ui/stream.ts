import { fieldsOf, sessionHeaders } from './api.ts';
import { eventsOf } from './event-stream.ts';

const RETRY_MS = 1000;

/** Nobody looked for longer than this: to read all that happened meanwhile costs more than to begin anew. */
const RESUMED_MS_MAX = 60_000;

/** A stream of server-sent events that comes back by itself. */
export interface Stream {
  close(): void;
}

/** What a stream tells. */
export interface StreamListener {
  readonly event: (data: string, type: string) => void;
  /**
   * It is there, perhaps again: what was told while it was not has to be asked for, unless it goes on (`resumed`) where
   * it was, as its address asked it to.
   */
  readonly opened: (resumed: boolean) => void;
  /** It broke. Where it was refused, the server says why to whoever asks something else. */
  readonly lost: (isRefused: boolean) => void;
  /** It ended for good: the server says why and what to do. By default it is `lost`. */
  readonly failed?: (detail: string) => void;
}

/**
 * Listens to events of these types while the page is seen, over whatever breaks the connection, until `close`. A browser
 * has six connections to a server for all its tabs together: a page that nobody looks at takes none of them. `address` is
 * told the last event's id, '' to begin anew, and asked each time; where it rejects it is asked again later.
 *
 * By fetch, as an EventSource sends no headers, and so not the page's part of the log-in.
 */
export function listen(
  address: (lastEventId: string) => string | Promise<string>,
  types: readonly string[],
  { event, opened, lost, failed = () => lost(true) }: StreamListener,
): Stream {
  let connection: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastEventId = '';
  let hiddenAt = 0;

  function stop(): void {
    clearTimeout(timer);
    connection?.abort();
    connection = null;
  }

  async function start(): Promise<void> {
    stop();
    const own = new AbortController();
    connection = own;
    const isRefused = await follow(own.signal).catch(() => false);
    if (own.signal.aborted) return;
    timer = setTimeout(start, RETRY_MS);
    lost(isRefused);
  }

  /** Until the stream ends; whether it was refused: a server that starts again refuses for a while. Rejects if it breaks. */
  async function follow(signal: AbortSignal): Promise<boolean> {
    const resumed = lastEventId !== '';
    const url = await Promise.resolve(address(lastEventId)).catch(() => null);
    if (url === null || signal.aborted) return true;
    const last = resumed ? { 'last-event-id': lastEventId } : {};
    const headers = { accept: 'text/event-stream', ...last, ...sessionHeaders() };
    const { ok, body } = await fetch(url, { headers, signal, cache: 'no-store' });
    if (!ok || body === null) {
      await body?.cancel();
      return true;
    }
    opened(resumed);
    for await (const { id, type, data } of eventsOf(body)) {
      if (signal.aborted) return false;
      if (id !== null) lastEventId = id;
      if (data === '') continue;
      if (type === 'stream.error') {
        close();
        failed(String(fieldsOf(JSON.parse(data)).detail));
      } else if (types.includes(type)) event(data, type);
    }
    return false;
  }

  function close(): void {
    document.removeEventListener('visibilitychange', onVisibility);
    stop();
  }

  const onVisibility = (): void => {
    if (document.hidden) {
      hiddenAt = performance.now();
      stop();
      return;
    }
    if (performance.now() - hiddenAt > RESUMED_MS_MAX) lastEventId = '';
    void start();
  };
  document.addEventListener('visibilitychange', onVisibility);
  if (!document.hidden) void start();
  return { close };
}
