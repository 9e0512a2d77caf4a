import { computed } from '@preact/signals';
import { useState } from 'preact/hooks';
import { Avatar } from '../ui/avatar.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import type { ChatItem } from './answers.ts';
import { clockOf, lineOf, nameOf, titleOf } from './names.ts';
import { NewGroup, NewUser } from './new-chat.ts';
import { isBots } from './talk.ts';
import { look, openChat } from './where.ts';
import { byNewest, chats, unread, users } from './world.ts';

/** Chats, the one that was written in last first; then whoever has not written yet. */
const rows = computed(() => {
  const known = [...chats.value.values()].sort(byNewest);
  const silent = users.value.filter((user) => !user.is_bot && !chats.value.has(user.id));
  return { known, silent };
});

/** Whom one may be, and where. */
export function ChatList() {
  const { known, silent } = rows.value;
  const [making, setMaking] = useState<'user' | 'group' | null>(null);
  const done = (): void => setMaking(null);
  return html`
    <nav class="chats" aria-label="Users and groups">
      <div class="pane-head"><h1>Chats</h1></div>
      <ul>
        ${known.map((chat) => html`<${Row} key=${chat.id} id=${chat.id} title=${titleOf(chat)} chat=${chat} />`)}
        ${silent.map((user) => html`<${Row} key=${user.id} id=${user.id} title=${nameOf(user)} />`)}
      </ul>
      <div class="makers">
        <button type="button" class="button" onClick=${() => setMaking('user')}><${Icon} name="plus" /> User</button>
        <button type="button" class="button" onClick=${() => setMaking('group')}><${Icon} name="plus" /> Group</button>
      </div>
      ${making === 'user' ? html`<${NewUser} onDone=${done} />` : null}
      ${making === 'group' ? html`<${NewGroup} onDone=${done} />` : null}
    </nav>
  `;
}

function Row({ id, title, chat }: { readonly id: number; readonly title: string; readonly chat?: ChatItem }) {
  const last = chat?.last ?? null;
  const news = unread.value.get(id) ?? 0;
  const isGroup = id < 0;
  return html`
    <li>
      <button type="button" class="chat-row" data-chat=${id} aria-current=${openChat.value === id ? 'true' : undefined} onClick=${() => look(id)}>
        <${Avatar} id=${id} name=${title} />
        <span class="row-main">
          <span class="row-top"><b dir="auto">${title}</b>${isGroup ? html`<span class="tag">group</span>` : null}<span class="muted when">${last === null ? '' : clockOf(last.date)}</span></span>
          <span class="row-top"><span class="muted preview" dir="auto">${last === null ? 'has not written yet' : `${isBots(last) ? 'Bot: ' : ''}${lineOf(last)}`}</span>
            ${news === 0 ? null : html`<span class="badge" aria-label=${`${news} unread`}>${news > 99 ? '99+' : news}</span>`}
            ${chat?.closed_to_bot ? html`<span class="tag bad">blocked</span>` : null}</span>
        </span>
      </button>
    </li>
  `;
}
