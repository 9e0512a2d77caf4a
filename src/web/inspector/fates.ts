import { signal } from '@preact/signals';
import { call, fieldsOf } from '../ui/api.ts';

/** A message to a chat, as it was accepted, and what has become of it. */
export interface Message {
  readonly seq: number;
  readonly method: string;
  /** JSON. */
  readonly params: string;
  /** queued, scheduled, sent, failed, unknown, expired or canceled. */
  readonly status: string;
}

const FATES = ['message.sent', 'message.failed', 'message.unknown', 'message.expired', 'message.canceled'];
/** Messages that are remembered; the oldest go. */
const KEPT_MAX = 2000;
const RETRY_MS = 2000;

/** Follows what becomes of a Telegram chat's messages, of those accepted after a seq, until `close`. */
export function followFates(chat: string, after: number) {
  const messages = signal<ReadonlyMap<number, Message>>(new Map());
  let source: EventSource | null = null;
  let closed = false;

  function take({ data }: MessageEvent): void {
    const { message } = fieldsOf(JSON.parse(data));
    const { id, status, method, params } = fieldsOf(message);
    // A message's id is `<bot>-<seq>`, the seq of its acceptance.
    const seq = Number(String(id).split('-').at(-1));
    const next = new Map(messages.value);
    const before = next.get(seq);
    if (before === undefined && params === undefined) return;
    next.set(seq, {
      seq,
      method: String(method),
      params: before?.params ?? JSON.stringify(params),
      status: String(status),
    });
    for (const oldest of next.keys()) {
      if (next.size <= KEPT_MAX) break;
      next.delete(oldest);
    }
    messages.value = next;
  }

  async function listen(): Promise<void> {
    try {
      const { stream } = fieldsOf(await call('/v1/events?poll=1&limit=1'));
      if (closed) return;
      const types = ['message.accepted', ...FATES];
      const query = [['chat', chat], ['last_event_id', `${stream}.${after}`], ...types.map((type) => ['type', type])];
      source = new EventSource(`/v1/events?${new URLSearchParams(query)}`);
      for (const type of types) source.addEventListener(type, take);
      // By itself it comes back where it was; where it was refused it begins anew.
      source.addEventListener('error', () => {
        if (source?.readyState === EventSource.CLOSED) again();
      });
    } catch {
      again();
    }
  }
  function again(): void {
    setTimeout(() => {
      if (!closed) void listen();
    }, RETRY_MS);
  }
  void listen();

  return {
    messages,
    close(): void {
      closed = true;
      source?.close();
    },
  };
}
