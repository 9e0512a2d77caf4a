import type { Message } from '@grammyjs/types';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Avatar } from '../ui/avatar.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import type { ChatItem } from './answers.ts';
import { Bubble } from './bubble.ts';
import { choose, chosen, losses, seqs } from './chosen.ts';
import { Composer } from './composer.ts';
import { FaultMenu, Troubles } from './faults.ts';
import { serviceLine, titleOf } from './names.ts';
import { Quarantine } from './quarantine.ts';
import type { Room } from './room.ts';
import { current, isBots, say, setBlocked, writer } from './talk.ts';
import { look, pane } from './where.ts';
import { begunAnew, examples, failure, type room as rooms } from './world.ts';

/** Messages that are drawn at first, and more of them each time that earlier ones are asked for. */
const SHOWN = 100;

/** The chat that is looked at: both ways, live. */
export function ChatPane({ room }: { readonly room: NonNullable<typeof rooms.value> }) {
  const chat = current.value;
  const messages = room.messages.value;
  if (chat === null) {
    if (messages === null) return html`<section class="chat" aria-busy="true"></section>`;
    return html`<section class="chat empty nobody"><p>There is no such chat. The sandbox forgets its chats when it ends.</p><button type="button" class="button" onClick=${() => look(null)}>To the chats</button></section>`;
  }
  const title = titleOf(chat);
  return html`
    <section class="chat" aria-label=${`Chat ${title}`}>
      <${Head} />
      <${Troubles} />
      ${begunAnew.value ? html`<p class="notice strip" role="status">The sandbox has begun anew and forgotten its chats. Switchboard still knows what it knew.</p>` : null}
      ${failure.value === null ? null : html`<p class="notice bad strip" role="alert"><span dir="auto">${failure.value}</span><button type="button" class="button quiet" aria-label="Close" onClick=${() => (failure.value = null)}><${Icon} name="close" /></button></p>`}
      <${Toasts} room=${room} />
      ${messages === null ? html`<div class="messages" aria-busy="true"></div>` : messages.length === 0 ? html`<${Beginning} />` : html`<${Messages} key=${room.chat} room=${room} messages=${messages} inGroup=${chat.type !== 'private'} />`}
      <${Quarantine} />
      <${Composer} />
    </section>
  `;
}

function Head() {
  const chat = current.value;
  if (chat === null) return null;
  const title = titleOf(chat);
  const isBlocked = chat.closed_to_bot !== null;
  const isPrivate = chat.type === 'private';
  const people = chat.members?.filter((user) => !user.is_bot).length ?? 0;
  const about = isPrivate
    ? `private chat · ${chat.id}`
    : `${people} ${people === 1 ? 'member' : 'members'} and the bot`;
  const block = isPrivate ? ['Block the bot', 'Unblock the bot'] : ['Remove the bot', 'Take the bot back'];
  return html`
    <header class="pane-head">
      <button type="button" class="button quiet narrow-only" aria-label="To the chats" onClick=${() => (pane.value = 'chats')}><${Icon} name="back" /></button>
      <${Avatar} id=${chat.id} name=${title} />
      <div class="who"><h2 dir="auto">${title}</h2><span class="muted">${about}</span></div>
      ${isBlocked ? html`<span class="tag bad">bot ${isPrivate ? 'blocked' : 'removed'}</span>` : null}
      <button type="button" class="button quiet" onClick=${() => setBlocked(!isBlocked)}>${block[isBlocked ? 1 : 0]}</button>
      <${FaultMenu} chat=${chat.id} />
      <button type="button" class="button quiet narrow-only" aria-label="What Switchboard did" title="What Switchboard did" onClick=${() => (pane.value = 'did')}><${Icon} name="did" />
        ${losses.value === 0 ? null : html`<span class="badge bad">${losses.value}<span class="visually-hidden"> failed or unknown</span></span>`}</button>
    </header>
  `;
}

function Beginning() {
  const texts = examples.value[kindOf(current.value)] ?? null;
  if (texts === null) {
    return html`<div class="messages beginning"><p class="muted">Nobody has written here yet. No machine answers in chats of this kind: <code>conversations</code> in config/local.json chooses one.</p></div>`;
  }
  return html`
    <div class="messages beginning">
      <p class="muted">Nobody has written here yet. Try one of these:</p>
      <div class="suggestions">${texts.map((text) => html`<button type="button" class="button" onClick=${() => say({ text })}>${text}</button>`)}</div>
    </div>
  `;
}

const kindOf = (chat: ChatItem | null): string => (chat?.type === 'supergroup' ? 'group' : (chat?.type ?? 'private'));

function Messages({
  room,
  messages,
  inGroup,
}: {
  readonly room: Room;
  readonly messages: readonly Message[];
  readonly inGroup: boolean;
}) {
  const [shown, setShown] = useState(SHOWN);
  const list = useRef<HTMLDivElement>(null);
  /** Whether the newest message is to stay in sight, and how far from the end one was before earlier ones came. */
  const atEnd = useRef(true);
  const fromEnd = useRef<number | null>(null);
  const [isAway, setAway] = useState(false);
  const visible = messages.slice(-shown);
  const marked = chosen.value;
  const known = seqs.value;
  const last = messages.at(-1);
  const me = writer.value?.id;
  useLayoutEffect(() => {
    const area = list.current;
    if (area === null) return;
    if (fromEnd.current !== null) area.scrollTop = area.scrollHeight - fromEnd.current;
    else if (atEnd.current) area.scrollTop = area.scrollHeight;
    fromEnd.current = null;
  });
  // Whoever has written wants to see it.
  useLayoutEffect(() => {
    const area = list.current;
    if (last === undefined || isBots(last) || area === null) return;
    atEnd.current = true;
    area.scrollTop = area.scrollHeight;
  }, [last?.message_id]);
  // What is written above or below may take room away: the newest message stays in sight.
  useEffect(() => {
    const area = list.current;
    if (area === null) return undefined;
    const observer = new ResizeObserver(() => {
      if (atEnd.current) area.scrollTop = area.scrollHeight;
    });
    for (const one of [area, ...area.children]) observer.observe(one);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (marked?.from !== 'did') return;
    list.current
      ?.querySelector(`[data-message="${[...marked.messages].at(-1)}"]`)
      ?.scrollIntoView({ block: 'nearest' });
  }, [marked]);
  const onScroll = (): void => {
    const area = list.current;
    if (area === null) return;
    atEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < 48;
    setAway(!atEnd.current);
  };
  const earlier = (): void => {
    const area = list.current;
    if (area !== null) fromEnd.current = area.scrollHeight - area.scrollTop;
    setShown(shown + SHOWN);
  };
  return html`
    <div class="messages" ref=${list} onScroll=${onScroll} tabindex="0" role="log" aria-label="Messages">
      ${messages.length > shown ? html`<button type="button" class="button earlier" onClick=${earlier}>Earlier messages</button>` : null}
      <ul>
        ${visible.map((message, i) => {
          const id = message.message_id;
          const before = visible[i - 1];
          const follows =
            before !== undefined &&
            serviceLine(before) === null &&
            before.from?.id === message.from?.id &&
            message.date - before.date < 300;
          const isMine = !isBots(message) && (!inGroup || message.from?.id === me);
          return html`<${Bubble} key=${id} message=${message} follows=${follows} inGroup=${inGroup} isMine=${isMine} seq=${known.get(id)}
            isChosen=${marked?.messages.has(id) === true} isPressed=${room.pressed.value.has(id)} onChoose=${choose} />`;
        })}
      </ul>
      ${room.action.value === null ? null : html`<p class="action muted" role="status">The bot is ${ACTIONS.get(room.action.value) ?? 'busy'}…</p>`}
      ${isAway && last !== undefined ? html`<button type="button" class="button to-end" aria-label="To the newest message" onClick=${() => list.current?.scrollTo({ top: list.current.scrollHeight })}><${Icon} name="down" /></button>` : null}
    </div>
  `;
}

const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['typing', 'typing'],
  ['upload_photo', 'sending a photo'],
  ['upload_document', 'sending a file'],
  ['record_voice', 'recording'],
  ['choose_sticker', 'choosing a sticker'],
  ['find_location', 'looking for a place'],
]);

/** What the bot answers to a press: a few words for a moment, or an alert that waits to be read. */
function Toasts({ room }: { readonly room: Room }) {
  const toast = room.toast.value;
  useEffect(() => {
    if (toast === null || toast.alert) return undefined;
    const timer = setTimeout(() => {
      room.toast.value = null;
    }, 3500);
    return () => clearTimeout(timer);
  }, [toast]);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), [toast]);
  if (toast?.alert === true) {
    return html`<dialog ref=${dialog} class="panel alert" aria-label="The bot says" onClose=${() => (room.toast.value = null)}><p dir="auto">${toast.text}</p><div class="actions"><button type="button" class="button primary" onClick=${() => dialog.current?.close()}>OK</button></div></dialog>`;
  }
  return html`<div class="toast-place" role="status">${toast === null ? null : html`<p class="toast" dir="auto">${toast.text}</p>`}</div>`;
}
