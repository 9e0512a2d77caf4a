import { signal } from '@preact/signals';

/** What a phone shows of the three panes. */
export type Pane = 'chats' | 'chat' | 'did';

/** The chat that is looked at, as the address says it: `#chat=777`. */
const read = (): number | null => Number(new URLSearchParams(location.hash.slice(1)).get('chat')) || null;

export const openChat = signal<number | null>(read());
export const pane = signal<Pane>(openChat.value === null ? 'chats' : 'chat');

addEventListener('hashchange', () => {
  openChat.value = read();
  pane.value = openChat.value === null ? 'chats' : 'chat';
});

/** Looks at a chat; null: at the list of them. */
export function look(chat: number | null): void {
  openChat.value = chat;
  pane.value = chat === null ? 'chats' : 'chat';
  const hash = chat === null ? '' : `#chat=${chat}`;
  if (location.hash !== hash) history.pushState(null, '', hash === '' ? location.pathname : hash);
}
