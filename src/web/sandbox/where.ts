import { signal } from '@preact/signals';

/** What a phone shows of the three panes. */
export type Pane = 'chats' | 'chat' | 'did';

const read = (): number | null => Number(new URLSearchParams(location.hash.slice(1)).get('chat')) || null;

/** The chat that is looked at, as the address says it: `#chat=777`. */
export const openChat = signal<number | null>(read());
/** The pane that a phone shows now. */
export const pane = signal<Pane>(openChat.value === null ? 'chats' : 'chat');

addEventListener('hashchange', () => {
  openChat.value = read();
  pane.value = openChat.value === null ? 'chats' : 'chat';
});

/** Looks at a chat; null: at the list of them. `unasked`: the page chose it, so that the way back does not lead here. */
export function look(chat: number | null, { unasked = false } = {}): void {
  openChat.value = chat;
  pane.value = chat === null ? 'chats' : 'chat';
  const hash = chat === null ? '' : `#chat=${chat}`;
  if (location.hash === hash) return;
  const address = hash === '' ? location.pathname : hash;
  if (unasked) history.replaceState(null, '', address);
  else history.pushState(null, '', address);
}
