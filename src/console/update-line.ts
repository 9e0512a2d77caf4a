import { classifyUpdate } from '../telegram/update.ts';
import type { Line } from './console.ts';
import { type Fields, fieldsOf, listOf, textOf, textOrNull, wholeOrNull, wholesOf } from './fields.ts';
import { mediaOfMessage } from './media.ts';

/** What an update tells: its line, whom the chat is with, and whether a group becomes another with it. */
export interface UpdateRead {
  readonly line: Line;
  readonly name: string | null;
  readonly migrates: boolean;
}

/** Reads an update. `base`: the line of its entry, a notice without words. `button`: what a machine gave the button pressed. */
export function readUpdate(base: Line, update: Fields, button?: unknown): UpdateRead {
  const known = classifyUpdate(update);
  const kind = known?.kind ?? 'update';
  const content = fieldsOf(update[kind]);
  const name = nameOf(content, kind);
  const migrates = known?.migration != null;
  const from = personName(content.from) ?? textOrNull(fieldsOf(content.sender_chat).title);
  const message = kind === 'callback_query' ? fieldsOf(content.message) : content;
  const told = { ...base, from, message_id: wholeOrNull(message.message_id) };
  const rest = { name, migrates };
  if (kind === 'callback_query') {
    const pressed = buttonText(message, content.data) ?? (textOf(button) || textOf(content.data));
    return {
      ...rest,
      line: { ...told, side: 'in', message_id: null, reply_to: told.message_id, label: `pressed “${pressed}”` },
    };
  }
  if (/message$|_post$/.test(kind)) {
    const edited = kind.startsWith('edited_');
    // What is no content is a notice of Telegram's own, as somebody's coming.
    const isSaid = edited || known?.event != null || 'text' in content || mediaOfMessage(content).length > 0;
    if (!isSaid) return { ...rest, line: { ...told, label: serviceLabel(content) } };
    return {
      ...rest,
      line: {
        ...told,
        side: 'in',
        text: textOf(content.text) || textOf(content.caption) || otherText(content),
        label: edited ? 'edited' : '',
        edits: edited ? told.message_id : null,
        reply_to: wholeOrNull(fieldsOf(content.reply_to_message).message_id),
        media: mediaOfMessage(content),
      },
    };
  }
  const deletes = kind === 'deleted_business_messages' ? wholesOf(content.message_ids) : [];
  const status = textOf(fieldsOf(content.new_chat_member).status);
  const label = `${kind.replaceAll('_', ' ')}${status === '' ? '' : `: ${status}`}`;
  return { ...rest, line: { ...told, message_id: null, deletes, label } };
}

const SHORT = /^(message_id|date|chat|from|sender_chat|message_thread_id|is_topic_message)$/;

/** A notice of Telegram's, by its field: `new chat members`. */
function serviceLabel(content: Fields): string {
  const field = Object.keys(content).find((name) => !SHORT.test(name)) ?? 'a notice';
  const value = content[field];
  const people = [value]
    .flat()
    .map(personName)
    .filter((person) => person !== null);
  const more = people.length > 0 ? people.join(', ') : textOf(value);
  return `${field.replaceAll('_', ' ')}${more === '' ? '' : `: ${more}`}`;
}

/** What has no text, said in words: a contact, a poll, a place. */
function otherText(content: Fields): string {
  const contact = fieldsOf(content.contact);
  if (content.contact !== undefined) return `Contact: ${personName(contact) ?? ''}`;
  if (content.poll !== undefined) return `Poll: ${textOf(fieldsOf(content.poll).question)}`;
  if (content.dice !== undefined)
    return `${textOf(fieldsOf(content.dice).emoji)} ${fieldsOf(content.dice).value ?? ''}`;
  const { latitude, longitude } = fieldsOf(content.location);
  return typeof latitude === 'number' && typeof longitude === 'number' ? `Place: ${latitude}, ${longitude}` : '';
}

function personName(value: unknown): string | null {
  const { first_name: first, last_name: last } = fieldsOf(value);
  return textOrNull([textOf(first), textOf(last)].filter((part) => part !== '').join(' '));
}

/** The group's title, or the person's name in a private chat. */
function nameOf(content: Fields, kind: string): string | null {
  const chat = fieldsOf((kind === 'callback_query' ? fieldsOf(content.message) : content).chat);
  const title = textOrNull(chat.title);
  if (title !== null || chat.type !== 'private') return title;
  return personName(chat) ?? personName(content.from);
}

function buttonText(message: Fields, data: unknown): string | null {
  const rows = listOf(fieldsOf(message.reply_markup).inline_keyboard).flatMap(listOf);
  return textOrNull(rows.map(fieldsOf).find((button) => button.callback_data === data)?.text);
}
