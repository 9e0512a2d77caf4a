import { signal } from '@preact/signals';
import { listen } from '../ui/stream.ts';
import { type Act, createActs, ENTRY_TYPES, type Entry } from './acts.ts';
import { gather } from './feed.ts';

/** What Switchboard does in a chat, live, from a time on (ms since 1970). */
export function followActs(chat: number, since: number) {
  const held = createActs();
  const acts = signal<readonly Act[]>([]);
  const connected = signal(true);
  let lastSeq = 0;
  const take = gather<Entry>((entries) => {
    for (const entry of entries) {
      // A stream that was opened anew may begin with what is here.
      if (entry.seq <= lastSeq) continue;
      lastSeq = entry.seq;
      held.add(entry);
    }
    acts.value = [...held.acts];
  });
  const stream = listen(() => `v1/sandbox/chats/${chat}/entries?since=${since}`, ENTRY_TYPES, {
    event: (data) => take(JSON.parse(data)),
    opened() {
      connected.value = true;
    },
    lost() {
      connected.value = false;
    },
  });
  return { chat, acts, connected, close: stream.close };
}

export type Acts = ReturnType<typeof followActs>;
