import type { Message } from '@grammyjs/types';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { safeAddress } from './pieces.ts';
import { press, pressReply, type ReplyButton, replyKeyboard } from './talk.ts';

/** The buttons under a message. */
export function InlineKeyboard({ message, isPressed }: { readonly message: Message; readonly isPressed: boolean }) {
  const { inline_keyboard: rows } = fieldsOf(message.reply_markup);
  if (!Array.isArray(rows)) return null;
  return html`
    <div class="keys" aria-busy=${isPressed}>
      ${rows.map(
        (row: unknown) =>
          html`<div class="key-row">${(Array.isArray(row) ? row : []).map((button: unknown) => html`<${InlineButton} button=${button} message=${message} isPressed=${isPressed} />`)}</div>`,
      )}
    </div>
  `;
}

function InlineButton({
  button,
  message,
  isPressed,
}: {
  readonly button: unknown;
  readonly message: Message;
  readonly isPressed: boolean;
}) {
  const { text, callback_data: data, url, copy_text: copied } = fieldsOf(button);
  const label = html`<span dir="auto">${String(text)}</span>`;
  if (typeof data === 'string') {
    return html`<button type="button" class="key" disabled=${isPressed} onClick=${() => press(message, data)}>${label}</button>`;
  }
  const href = typeof url === 'string' ? safeAddress(url) : null;
  if (href !== null)
    return html`<a class="key" href=${href} target="_blank" rel="noopener noreferrer" title=${href}>${label} <${Icon} name="leave" /></a>`;
  const words = fieldsOf(copied).text;
  if (typeof words === 'string') {
    return html`<button type="button" class="key" onClick=${() => navigator.clipboard.writeText(words)}>${label}</button>`;
  }
  return html`<button type="button" class="key" disabled title="This page cannot do what this button does">${label}</button>`;
}

/** The keyboard in place of the phone's own, as the bot has set it. */
export function ReplyKeyboard() {
  const rows = replyKeyboard.value;
  if (rows === null) return null;
  return html`
    <div class="reply-keys" role="group" aria-label="The bot's keyboard">
      ${rows.map(
        (row) =>
          html`<div class="key-row">${row.map((button: ReplyButton) => html`<button type="button" class="key" onClick=${() => pressReply(button)}><span dir="auto">${typeof button === 'string' ? button : button.text}</span></button>`)}</div>`,
      )}
    </div>
  `;
}
