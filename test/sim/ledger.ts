import type { Entry } from '../../src/journal/journal.ts';
import { foundFor } from './backend.ts';
import { type Fields, saysOf, textOf, type Update } from './bodies.ts';
import { tokenOf } from './checks.ts';
import { SUPERGROUP } from './script.ts';

/** A conversation as plain code has it. */
interface Chat {
  state: 'none' | 'idle' | 'asking' | 'waiting' | 'over' | 'quarantined';
  heard: number;
  last: string;
  /** When its timer is due; null: it has none. */
  dueAt: number | null;
  /** The beginning of the id of its request; null: it waits for none. */
  request: string | null;
}

/** A message by its entries. */
export interface Told {
  readonly id: string;
  readonly seq: number;
  readonly chat: string;
  readonly text: string;
  readonly fates: string[];
  telegramMessageId: number | null;
}

/** An entry that the cause before it must have brought. */
type Expected = { readonly type: string; readonly says: string };

const PATIENCE_MS = 30_000;

const runs = ({ state }: Chat): boolean => state === 'idle' || state === 'asking' || state === 'waiting';

/**
 * The plain model: what the journal must hold, entry by entry, given what came in. It says for `chatter.machine.ts`
 * in plain code what each event brings (I2, I3, I8), which timers are due and which requests are open.
 */
export class Ledger {
  readonly #violate: (invariant: string, what: string) => void;
  readonly #chats = new Map<string, Chat>();
  /** What the entries that come next must be. */
  #expected: Expected[] = [];
  #lastFired: { readonly at: number; readonly dueAt: number } | null = null;
  /** Journalled updates, in order. */
  readonly updates: unknown[] = [];
  readonly tokens = new Set<string>();
  /** Events that an aggregator posted, by their note, and the entry of each. */
  readonly notes = new Map<string, number>();
  readonly messages = new Map<string, Told>();
  readonly #byText = new Map<string, Told>();
  readonly #moved = new Map<string, string>();
  #seq = 0;

  constructor(violate: (invariant: string, what: string) => void) {
    this.#violate = violate;
  }

  messageOf(text: string): Told | null {
    return this.#byText.get(text) ?? null;
  }

  fateOf(id: string): string | null {
    return this.messages.get(id)?.fates.at(-1) ?? null;
  }

  /** Where each conversation stands: its status, and what its snapshot must tell. */
  get standings(): { readonly id: string; readonly state: string; readonly heard: number; readonly last: string }[] {
    return [...this.#chats].map(([id, { state, heard, last }]) => ({ id, state, heard, last }));
  }

  /** What has not come to its end: the ids of conversations that wait for a timer or an answer. */
  get waiting(): string[] {
    return [...this.#chats].filter(([, chat]) => chat.dueAt !== null || chat.request !== null).map(([id]) => id);
  }

  take(entry: Entry): void {
    const { seq, type, chat, at } = entry;
    if (seq !== this.#seq + 1) this.#violate('journal', `entry ${seq} follows entry ${this.#seq}`);
    this.#seq = seq;
    const fields: Fields = JSON.parse(entry.body);
    if (this.#meetsExpected(entry, fields)) return;
    const conversation: string = fields.conversation ?? chat ?? '';
    switch (type) {
      case 'update.received':
        this.#update(fields.update, seq, at);
        return;
      case 'event.received': {
        const { note } = fields.event;
        if (this.notes.has(note)) this.#violate('I2', `${note} was journalled twice`);
        this.notes.set(note, seq);
        this.#hear(conversation, { kind: 'note', text: note }, seq, at);
        return;
      }
      case 'timer.fired':
        this.#fire(conversation, fields.due_at, seq, at);
        return;
      case 'request.answered':
        this.#answer(conversation, fields, seq);
        return;
      case 'message.accepted':
        // Not asked for by a conversation: then by an aggregator.
        if (!/^post #\d+$/.test(textOf(fields.message))) {
          this.#violate('I3', `entry ${seq} accepts a message that nothing has asked for: ${entry.body}`);
        }
        this.#accept(entry, fields);
        return;
      case 'message.sent':
      case 'message.failed':
      case 'message.unknown':
      case 'message.canceled':
      case 'message.expired': {
        const told = this.messages.get(fields.message.id);
        told?.fates.push(type.slice('message.'.length));
        if (told === undefined) this.#violate('I5', `entry ${seq} tells the fate of an unknown message: ${entry.body}`);
        else if (fields.message.telegram_message_id !== undefined) {
          told.telegramMessageId = fields.message.telegram_message_id;
        }
        return;
      }
      default:
        this.#violate('I3', `entry ${seq} is ${type}, and nothing has caused it: ${entry.body}`);
    }
  }

  /** At the end: what a cause must have brought is there. */
  close(): void {
    const [missing] = this.#expected;
    if (missing !== undefined) this.#violate('I3', `${missing.type} ${missing.says} is missing at the journal's end`);
  }

  #meetsExpected(entry: Entry, fields: Fields): boolean {
    const next = this.#expected.shift();
    if (next === undefined) return false;
    const says = saysOf(entry, fields);
    if (entry.type !== next.type || says !== next.says) {
      this.#violate('I3', `entry ${entry.seq} should be ${next.type} ${next.says}, and is ${entry.type} ${entry.body}`);
    } else if (entry.type === 'message.accepted') this.#accept(entry, fields);
    return true;
  }

  #accept({ seq, chat }: Entry, { message }: Fields): void {
    const { id } = message;
    const text = textOf(message);
    const told: Told = { id, seq, chat: chat ?? '', text, fates: [], telegramMessageId: null };
    if (this.#byText.has(text)) this.#violate('I2', `"${text}" was accepted twice`);
    this.messages.set(id, told);
    this.#byText.set(text, told);
  }

  #update(update: Update, seq: number, at: number): void {
    this.updates.push(update);
    const token = tokenOf(update);
    if (this.tokens.has(token)) this.#violate('I2', `the update of ${token} was journalled twice`);
    this.tokens.add(token);
    const { message, callback_query, edited_message } = update;
    const content = message ?? callback_query ?? edited_message;
    const chat = content?.chat ?? callback_query?.message?.chat;
    const text = content?.text ?? callback_query?.data ?? '';
    if (message?.migrate_to_chat_id !== undefined && chat !== undefined)
      this.#migrate(chat.id, message.migrate_to_chat_id);
    if (message?.migrate_from_chat_id !== undefined && chat !== undefined)
      this.#migrate(message.migrate_from_chat_id, chat.id);
    if (content?.from === undefined) return;
    if (chat === undefined) return;
    const conversation = chat.type === 'private' ? String(chat.id) : `${chat.id}:u${content.from.id}`;
    if (callback_query !== undefined) {
      this.#hear(conversation, { kind: 'press', text, query: callback_query.id }, seq, at);
    } else this.#hear(conversation, { kind: message === undefined ? 'edit' : 'message', text }, seq, at);
  }

  /** One name for a chat, also where it is known to have become another. */
  chatOf(chat: string): string {
    return this.#moved.get(chat) ?? chat;
  }

  /** A group's conversations go on under its new id; one that has ended gives way to one that runs. */
  #migrate(from: number, to: number): void {
    this.#moved.set(String(to), String(from));
    for (const [id, chat] of [...this.#chats]) {
      if (!id.startsWith(`${from}:`)) continue;
      this.#chats.delete(id);
      const next = id.replace(String(from), String(to));
      const there = this.#chats.get(next);
      if (there === undefined || runs(chat) || !runs(there)) this.#chats.set(next, chat);
    }
  }

  /** Whether there is such a conversation, under this id or the one that its group has now. */
  knows(id: string): boolean {
    const told = this.#moved.has(String(SUPERGROUP));
    const ids = told ? [id, id.replace(/^-100:/, `${SUPERGROUP}:`)] : [id];
    return ids.some((one) => (this.#chats.get(one)?.state ?? 'none') !== 'none');
  }

  #chat(id: string): Chat {
    const chat = this.#chats.get(id) ?? { state: 'none', heard: 0, last: '', dueAt: null, request: null };
    this.#chats.set(id, chat);
    return chat;
  }

  #hear(id: string, heard: Heard, seq: number, at: number): void {
    const chat = this.#chat(id);
    if (chat.state === 'quarantined') return;
    const before = chat.state === 'over' ? 'none' : chat.state;
    const { text } = heard;
    const enter = (state: Chat['state']): void => {
      chat.heard = before === 'none' ? 1 : chat.heard + 1;
      chat.last = text;
      chat.state = state;
      chat.dueAt = null;
      chat.request = null;
    };
    const listens = before === 'none' || before === 'idle';
    if (heard.kind === 'edit') {
      // Nothing is done with it; yet a conversation may begin with it.
      if (before === 'none') Object.assign(chat, { state: 'idle', heard: 0, last: '' });
      this.#move(before, chat.state);
      return;
    }
    if (listens && heard.kind !== 'message') {
      enter('idle');
      if (heard.kind === 'press') this.#expect('message.accepted', heard.query);
      this.#reply(chat, heard.kind === 'press' ? 'pressed' : 'noted');
      if (heard.kind === 'note') this.#expect('chat.emitted', text);
    } else if (listens && text.startsWith('boom')) {
      chat.state = 'quarantined';
      this.#expect('chat.quarantined', '');
      return;
    } else if (listens && text.startsWith('end')) enter('over');
    else if (listens && text.startsWith('ask')) {
      enter('asking');
      chat.dueAt = at + PATIENCE_MS;
      chat.request = `1-sim-${seq}-`;
    } else if (listens && text.startsWith('later')) {
      enter('waiting');
      chat.dueAt = at + Number(text.split(' ')[1]);
    } else if (listens) {
      enter('idle');
      this.#reply(chat, 'heard');
    } else if (before === 'waiting' && heard.kind === 'message') {
      enter('idle');
      this.#reply(chat, 'woken by');
    } else if (before === 'asking' && heard.kind === 'message' && text.startsWith('stop')) {
      enter('idle');
      this.#reply(chat, 'stopped');
    }
    this.#move(before, chat.state);
  }

  #fire(id: string, dueAt: number, seq: number, at: number): void {
    const chat = this.#chat(id);
    if (at < dueAt) this.#violate('timers', `entry ${seq} fires a timer of ${id} ${dueAt - at} ms before it is due`);
    if (this.#lastFired !== null && this.#lastFired.at === at && this.#lastFired.dueAt > dueAt) {
      this.#violate('timers', `entry ${seq} fires a timer of ${id} after one that was due later`);
    }
    this.#lastFired = { at, dueAt };
    if (chat.state === 'quarantined') return;
    if (chat.dueAt !== dueAt) {
      this.#violate('timers', `entry ${seq} fires a timer of ${id} due at ${dueAt}: it should be ${chat.dueAt}`);
    }
    this.#settle(chat, chat.state === 'waiting' ? 'waited' : 'gave up on');
  }

  #answer(id: string, { request, output, late }: Fields, seq: number): void {
    const chat = this.#chat(id);
    // It came too late: dropped. It must not be what the conversation waits for.
    if (late === true && (chat.request === null || !request.startsWith(chat.request))) return;
    if (chat.state === 'quarantined') return;
    if (chat.request === null || !request.startsWith(chat.request)) {
      this.#violate('requests', `entry ${seq} answers ${request} for ${id}, which waits for ${chat.request}`);
    }
    if (output !== undefined && output.found !== foundFor(request)) {
      this.#violate('requests', `entry ${seq} answers ${request} with ${output.found}`);
    }
    this.#settle(chat, `found ${output?.found ?? 'nothing'} for`);
  }

  /** What it waited for has come. */
  #settle(chat: Chat, word: string): void {
    const before = chat.state;
    chat.heard += 1;
    chat.state = 'idle';
    chat.dueAt = null;
    chat.request = null;
    this.#reply(chat, word);
    this.#move(before, 'idle');
  }

  #expect(type: string, says: string): void {
    this.#expected.push({ type, says });
  }

  #reply(chat: Chat, word: string): void {
    this.#expect('message.accepted', `${chat.heard} ${word} ${chat.last}`);
  }

  #move(from: Chat['state'], to: Chat['state']): void {
    if (from !== to)
      this.#expect('chat.moved', `${from === 'none' ? 'null' : JSON.stringify(from)} ${JSON.stringify(to)}`);
  }
}

type Heard =
  | { readonly kind: 'message' | 'note' | 'edit'; readonly text: string }
  | { readonly kind: 'press'; readonly text: string; readonly query: string };
