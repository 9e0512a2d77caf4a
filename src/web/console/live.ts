import { signal } from '@preact/signals';
import { refreshWho } from '../ui/login.ts';
import { listen } from '../ui/stream.ts';

/** Every type that a chat's entries have. */
const TYPES = [
  ...['update.received', 'event.received', 'timer.fired', 'request.answered', 'chat.moved', 'chat.migrated'],
  ...['chat.emitted', 'chat.quarantined', 'chat.resumed', 'message.accepted', 'message.sent', 'message.failed'],
  ...['message.unknown', 'message.canceled', 'message.expired'],
];

/** An entry's JSON begins with its own fields. All of it is not read here: thousands may come in a second. */
const CHAT = /^\{"seq":\d+,"type":"[^"]*","bot":"[^"]*","chat":"([^"]*)"/;

/** What tells that entries are missing, or that what is shown is there no more. */
const ANEW = ['stream.reset', 'stream.gap', 'chat.erased'];

export interface LiveListener {
  /** Something happened in a chat. */
  changed(chat: string): void;
  /** What happened meanwhile is not known: look again at all. */
  reload(): void;
}

/** Follows what happens, over whatever breaks the connection, until `close`. */
export function createLive(listener: LiveListener) {
  const connected = signal(true);
  /** Why it has ended for good; null: it has not. */
  const failure = signal<string | null>(null);
  const address = (last: string): string => (last === '' ? 'v1/events' : `v1/events?last_event_id=${last}`);
  const { close } = listen(address, [...TYPES, ...ANEW], {
    event(data, type) {
      if (ANEW.includes(type)) return listener.reload();
      const chat = CHAT.exec(data)?.[1];
      if (chat !== undefined) listener.changed(chat);
    },
    opened(resumed) {
      if (!resumed || !connected.value) listener.reload();
      connected.value = true;
    },
    lost() {
      connected.value = false;
      // A key that was revoked ends its streams: whoever had it is logged out at once.
      void refreshWho();
    },
    failed(detail) {
      failure.value = detail;
    },
  });
  return { connected, failure, close };
}
export type Live = ReturnType<typeof createLive>;
