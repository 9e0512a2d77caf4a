import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChatInState } from '../../inspector/inspector.ts';
import { reasonOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { chatsIn } from './answers.ts';
import { stateText } from './difference.ts';

/** Chats of the first page (answers.ts). */
const PAGE = 50;

/** The chats in a state, page by page. */
export function Chats({
  machine,
  path,
  total,
  onChat,
}: {
  readonly machine: string;
  readonly path: string;
  /** How many there are, as counted: another number means another list. */
  readonly total: number;
  readonly onChat: (chat: string) => void;
}) {
  const [chats, setChats] = useState<readonly ChatInState[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<'looking' | 'idle' | 'failed'>('looking');
  const [failure, setFailure] = useState('');
  const gone = useRef(false);
  const load = async (after: string | null): Promise<void> => {
    setState('looking');
    try {
      let page = await chatsIn(machine, path, after);
      // A rare state may take several looks until there is something to show.
      while (page.chats.length === 0 && page.next !== null && !gone.current)
        page = await chatsIn(machine, path, page.next);
      if (gone.current) return;
      setChats((before) => (after === null ? page.chats : [...before, ...page.chats]));
      setNext(page.next);
      setState('idle');
    } catch (error) {
      setFailure(reasonOf(error));
      setState('failed');
    }
  };
  // Whoever has gone on to later pages keeps them.
  useEffect(() => {
    if (chats.length <= PAGE) void load(null);
  }, [total]);
  useEffect(
    () => () => {
      gone.current = true;
    },
    [],
  );
  return html`
    <section aria-label="Chats">
      <div class="row"><h3>Chats</h3><button class="button quiet" type="button" onClick=${() => load(null)}>Refresh</button></div>
      ${state === 'failed' ? html`<p class="notice bad" role="alert">${failure}</p>` : null}
      ${state === 'idle' && chats.length === 0 ? html`<p class="muted">${path === '' ? 'No chat runs this machine yet: one begins with what a user writes.' : 'No chat is here.'}</p>` : null}
      <ul class="chats">
        ${chats.map(
          ({ id, state: value, status }) => html`
          <li key=${id}><button class="button quiet chat-item" type="button" data-chat=${id} onClick=${() => onChat(id)}>
            <span class="mono">${id}</span>
            <span class="muted">${stateText(value)}</span>
            ${status === 'active' ? null : html`<span class=${`tag ${status === 'quarantined' ? 'bad' : ''}`}>${status}</span>`}
          </button></li>`,
        )}
      </ul>
      ${next === null ? null : html`<button class="button" type="button" disabled=${state === 'looking'} onClick=${() => load(next)}>More chats</button>`}
    </section>
  `;
}
