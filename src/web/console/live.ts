import { signal } from '@preact/signals';
import { refreshWho, who } from '../ui/login.ts';

/** Every type that a chat's entries have. */
const TYPES = [
  ...['update.received', 'event.received', 'timer.fired', 'request.answered', 'chat.moved', 'chat.migrated'],
  ...['chat.emitted', 'chat.quarantined', 'chat.resumed', 'message.accepted', 'message.sent', 'message.failed'],
  ...['message.unknown', 'message.canceled', 'message.expired'],
];

/** An entry's JSON begins with its own fields. All of it is not read here: thousands may come in a second. */
const CHAT = /^\{"seq":\d+,"type":"[^"]*","bot":"[^"]*","chat":"([^"]*)"/;

const RETRY_MS = 1000;

export interface LiveListener {
  /** Something happened in a chat. */
  changed(chat: string): void;
  /** What happened meanwhile is not known: look again at all. */
  reload(): void;
}

/** Follows what happens, over whatever breaks the connection, until `close`. */
export function createLive(listener: LiveListener) {
  const connected = signal(true);
  let closed = false;
  let source = listen();

  function listen(): EventSource {
    const opened = new EventSource('/v1/events');
    const onEntry = (event: MessageEvent<string>): void => {
      const chat = CHAT.exec(event.data)?.[1];
      if (chat !== undefined) listener.changed(chat);
    };
    for (const type of TYPES) opened.addEventListener(type, onEntry);
    for (const type of ['stream.reset', 'stream.gap']) opened.addEventListener(type, () => listener.reload());
    opened.addEventListener('open', () => {
      if (!connected.value) listener.reload();
      connected.value = true;
    });
    opened.addEventListener('error', () => {
      if (closed) return;
      connected.value = false;
      // A key that was revoked ends its streams: whoever had it is logged out at once.
      void refreshWho().then(() => {
        if (who.value === null) close();
      });
      if (opened.readyState !== EventSource.CLOSED) return;
      setTimeout(() => {
        if (!closed && source === opened) source = listen();
      }, RETRY_MS);
    });
    return opened;
  }
  function close(): void {
    closed = true;
    source.close();
  }
  return { connected, close };
}
export type Live = ReturnType<typeof createLive>;
