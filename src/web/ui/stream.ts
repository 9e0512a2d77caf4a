import { fieldsOf } from './api.ts';

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
 */
export function listen(
  address: (lastEventId: string) => string | Promise<string>,
  types: readonly string[],
  { event, opened, lost, failed = () => lost(true) }: StreamListener,
): Stream {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the stream that is open, or will be: what belongs to an earlier one is over. */
  let turn = 0;
  let lastEventId = '';
  let hiddenAt = 0;

  function stop(): void {
    turn += 1;
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  async function start(): Promise<void> {
    stop();
    const own = turn;
    const resumed = lastEventId !== '';
    const broken = (isRefused: boolean): void => {
      if (own !== turn) return;
      // It comes back by itself, unless it was refused: a server that starts again refuses for a while.
      if (isRefused) timer = setTimeout(start, RETRY_MS);
      lost(isRefused);
    };
    try {
      const url = await address(lastEventId);
      if (own !== turn) return;
      source = new EventSource(url);
    } catch {
      broken(true);
      return;
    }
    const made = source;
    for (const type of types) {
      made.addEventListener(type, ({ data, lastEventId: id }: MessageEvent) => {
        lastEventId = id;
        event(String(data), type);
      });
    }
    made.addEventListener('stream.error', ({ data }: MessageEvent) => {
      close();
      failed(String(fieldsOf(JSON.parse(String(data))).detail));
    });
    made.addEventListener('open', () => opened(resumed));
    made.addEventListener('error', () => broken(made.readyState === EventSource.CLOSED));
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
