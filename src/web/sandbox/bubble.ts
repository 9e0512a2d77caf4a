import type { Message } from '@grammyjs/types';
import { Avatar } from '../ui/avatar.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { visibleOr } from '../ui/visible.ts';
import { Formatted } from './formatted.ts';
import { InlineKeyboard } from './keyboard.ts';
import { Media } from './media.ts';
import { clockOf, lineOf, nameOf, serviceLine } from './names.ts';
import { editing, isBots, say } from './talk.ts';

interface BubbleProps {
  readonly message: Message;
  /** The message before it is the same person's. */
  readonly follows: boolean;
  readonly inGroup: boolean;
  /** It is of whoever writes here now. */
  readonly isMine: boolean;
  /** Of the journal's entry about it; undefined: none is known. */
  readonly seq: number | undefined;
  readonly isChosen: boolean;
  readonly isPressed: boolean;
  /** `show`: what is marked is also shown where one pane fills the screen. */
  readonly onChoose: (message: number, show: boolean) => void;
}

/** One message of the chat. */
export function Bubble({ message, follows, inGroup, isMine, seq, isChosen, isPressed, onChoose }: BubbleProps) {
  const { message_id: id, from, reply_to_message: answered } = message;
  const service = serviceLine(message);
  if (service !== null) return html`<li class="service" data-message=${id}><span dir="auto">${service}</span></li>`;
  const bots = isBots(message);
  const name =
    from === undefined
      ? message.sender_chat && 'title' in message.sender_chat
        ? visibleOr(message.sender_chat.title, String(message.sender_chat.id))
        : ''
      : nameOf(from);
  const classes = [
    'message',
    bots ? 'from-bot' : 'from-user',
    isMine ? 'mine' : '',
    follows ? 'follows' : '',
    isChosen ? 'chosen' : '',
  ];
  const text = message.text ?? message.caption;
  const onClick = ({ target }: Event): void => {
    // Whoever follows a link, presses a button or marks words means that.
    const isOther = target instanceof Element && target.closest('a, button') !== null;
    if (!isOther && getSelection()?.isCollapsed !== false) onChoose(id, false);
  };
  const canEdit = !bots && text !== undefined;
  return html`
    <li class=${classes.join(' ')} data-message=${id}>
      ${inGroup || bots ? html`<span class="face">${follows ? null : html`<${Avatar} id=${from?.id ?? 0} name=${name} />`}</span>` : null}
      <div class="column">
        <div class="bubble" onClick=${onClick}>
          ${inGroup && !follows ? html`<span class="sender" dir="auto">${name}</span>` : null}
          ${message.forward_origin === undefined ? null : html`<span class="muted">Forwarded</span>`}
          ${answered === undefined ? null : html`<span class="answered"><b dir="auto">${answered.from === undefined ? '' : nameOf(answered.from)}</b><span dir="auto">${lineOf(answered)}</span></span>`}
          <${Media} message=${message} />
          ${text === undefined ? null : html`<${Formatted} text=${text} entities=${message.entities ?? message.caption_entities} onCommand=${(command: string) => say({ text: command })} />`}
          <span class="foot">
            ${canEdit ? html`<button type="button" class="edit" aria-label="Edit this message" title="Edit" onClick=${() => (editing.value = message)}><${Icon} name="edit" /></button>` : null}
            ${message.edit_date === undefined ? null : html`<span>edited</span>`}
            <button type="button" class="stamp" aria-pressed=${isChosen} title="Show what Switchboard did" onClick=${() => onChoose(id, true)}>
              <time datetime=${new Date(message.date * 1000).toISOString()}>${clockOf(message.date)}</time>${seq === undefined ? null : html` <span class="mono">#${seq}</span>`}
            </button>
          </span>
        </div>
        <${InlineKeyboard} message=${message} isPressed=${isPressed} />
      </div>
    </li>
  `;
}
