import { signal } from '@preact/signals';
import { call, fieldsOf } from '../ui/api.ts';
import { listen } from '../ui/stream.ts';

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

/** Follows what becomes of a Telegram chat's messages, of those accepted after a seq, until `close`. */
export function followFates(chat: string, after: number) {
  const messages = signal<ReadonlyMap<number, Message>>(new Map());

  function take(data: string): void {
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

  const types = ['message.accepted', ...FATES];
  async function address(last: string): Promise<string> {
    const from = last === '' ? `${fieldsOf(await call('v1/events?poll=1&limit=1')).stream}.${after}` : last;
    const query = [['chat', chat], ['last_event_id', from], ...types.map((type) => ['type', type])];
    return `v1/events?${new URLSearchParams(query)}`;
  }
  const { close } = listen(address, types, { event: take, opened() {}, lost() {} });

  return { messages, close };
}
