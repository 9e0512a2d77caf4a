import { type Entry, isErased } from '../journal/journal.ts';
import type { Line } from './console.ts';
import { type Fields, fieldsOf, listOf, stateText, textOf, textOrNull, wholeOrNull, wholesOf } from './fields.ts';
import { mediaOfCall } from './media.ts';
import { readUpdate } from './update-line.ts';

/** What an entry is to the console: a line of its chat's transcript, and what else it tells of the chat. */
export interface Read {
  /** Null: it has no line of its own, as a message's fate, which is shown at the message. */
  readonly line: Line | null;
  /** Whom the chat is with, where the entry tells. */
  readonly name: string | null;
  /** The message whose fate it tells, by the seq of its acceptance. */
  readonly fate: { readonly message: number; readonly status: string } | null;
  /** How its conversation stands from here on. */
  readonly standing: {
    readonly conversation: string;
    readonly machine: string | null;
    /** Left out: as it was. */
    readonly state?: string;
    readonly quarantined: boolean;
  } | null;
  /** A group became a supergroup with it. */
  readonly migrates: boolean;
}

const NOTHING = { name: null, fate: null, standing: null, migrates: false };

/** Reads an entry. Null if it belongs to no chat, or tells of nothing but an erasure. */
export function readEntry(entry: Entry): Read | null {
  const { chat } = entry;
  if (chat === null || isErased(entry) || entry.type === 'chat.erased') return null;
  const body = fieldsOf(JSON.parse(entry.body));
  const base = {
    ...{ seq: entry.seq, at: new Date(entry.at).toISOString(), chat, type: entry.type },
    ...{ side: 'notice' as const, from: null, text: '', label: '', message_id: null, edits: null },
    ...{ deletes: [], reply_to: null, media: [], buttons: [], message: null },
  };
  switch (entry.type) {
    case 'update.received':
      return { ...NOTHING, ...readUpdate(base, fieldsOf(body.update), body.button) };
    case 'message.accepted':
      return ofMessage(base, fieldsOf(body.message));
    case 'message.sent':
    case 'message.failed':
    case 'message.unknown':
    case 'message.canceled':
    case 'message.expired': {
      const message = fieldsOf(body.message);
      const seq = Number(/-(\d+)$/.exec(textOf(message.id))?.[1]);
      const fate = Number.isSafeInteger(seq) ? { message: seq, status: entry.type.slice('message.'.length) } : null;
      return { ...NOTHING, line: null, fate };
    }
    default:
      return { ...NOTHING, line: { ...base, ...noticeOf(entry.type, body) }, standing: standingOf(entry, chat, body) };
  }
}

function noticeOf(type: string, body: Fields): Pick<Line, 'label' | 'text'> {
  const machine = textOf(body.machine);
  switch (type) {
    case 'chat.moved': {
      const from = stateText(body.from);
      const to = stateText(body.to);
      return { label: from === '' ? `${machine} begins in ${to}` : `${machine} goes from ${from} to ${to}`, text: '' };
    }
    case 'chat.quarantined':
      return { label: `${machine} failed and stands still`, text: textOf(body.error) };
    case 'chat.resumed':
      return { label: `${machine} goes on`, text: '' };
    case 'chat.migrated':
      return { label: `${machine} came to version ${textOf(body.to)}`, text: '' };
    case 'event.received':
      return { label: `event ${textOf(fieldsOf(body.event).type)}`, text: '' };
    case 'chat.emitted':
      return { label: `tells ${textOf(fieldsOf(body.event).type)}`, text: '' };
    case 'timer.fired':
      return { label: 'a timer came due', text: '' };
    case 'request.answered':
      return { label: 'the backend answered', text: '' };
    default:
      return { label: type, text: '' };
  }
}

function standingOf({ type }: Entry, chat: string, body: Fields): Read['standing'] {
  const conversation = textOrNull(body.conversation) ?? chat;
  const machine = textOrNull(body.machine);
  if (type === 'chat.moved') return { conversation, machine, state: stateText(body.to), quarantined: false };
  if (type === 'chat.quarantined') return { conversation, machine, quarantined: true };
  // It begins anew: it is in no state until it has taken something.
  if (type === 'chat.migrated' && body.outcome === 'restarted')
    return { conversation, machine, state: '', quarantined: false };
  if (type === 'chat.resumed' || type === 'chat.migrated') return { conversation, machine, quarantined: false };
  return null;
}

function ofMessage(base: Line, message: Fields): Read {
  const method = textOf(message.method) || 'sendMessage';
  const params = fieldsOf(message.params);
  const status = textOf(message.status);
  const text = textOf(params.text) || textOf(params.caption) || textOf(params.question);
  const isSaid = /^(send|copy|forward)/.test(method) && method !== 'sendChatAction';
  const edits = method.startsWith('edit') ? wholeOrNull(params.message_id) : null;
  const one = wholeOrNull(params.message_id);
  const deletes =
    method === 'deleteMessage' && one !== null
      ? [one]
      : method === 'deleteMessages'
        ? wholesOf(params.message_ids)
        : [];
  const sent = {
    id: textOf(message.id),
    status,
    method,
    send_at: null,
    attempts: 0,
    error: null,
    may_have_arrived: false,
    own: false,
  };
  const line: Line = {
    ...base,
    side: isSaid || edits !== null ? 'out' : 'notice',
    text: text || (isSaid ? textOf(params.emoji) : ''),
    label: edits !== null ? 'edited' : isSaid && method === 'sendMessage' ? '' : wordsOf(method),
    edits,
    deletes,
    reply_to: wholeOrNull(fieldsOf(params.reply_parameters).message_id),
    media: mediaOfCall(method, params, listOf(message.files)),
    buttons: listOf(fieldsOf(params.reply_markup).inline_keyboard).map((row) =>
      listOf(row).map((button) => textOf(fieldsOf(button).text)),
    ),
    message: sent,
  };
  return { ...NOTHING, line, fate: { message: base.seq, status } };
}

/** `answerCallbackQuery` as `answer callback query`. */
const wordsOf = (method: string): string => method.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
