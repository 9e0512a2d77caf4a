import type { Message } from '@grammyjs/types';
import { signal } from '@preact/signals';
import type { FeedEvent } from '../../sandbox/sandbox.ts';
import { fieldsOf } from '../ui/api.ts';
import * as answers from './answers.ts';

/** Messages of a chat that the page keeps: as many as the sandbox does (limits.sandboxChatMessagesMax). */
const KEPT_MAX = 1000;
/** A chat action is seen for so long, unless a message comes. */
const ACTION_MS = 5000;

/** A bot need not answer a press: then its button is good again after so long. */
const PRESS_MS = 10_000;

/** What the bot answers to a press. */
export interface Toast {
  readonly text: string;
  readonly alert: boolean;
}

/** The messages of the chat that is looked at. `found` is told of the chat itself, each time that it is read. */
export function createRoom(chat: number, found: (item: answers.ChatItem) => void) {
  const messages = signal<readonly Message[] | null>(null);
  const action = signal<string | null>(null);
  const toast = signal<Toast | null>(null);
  /** Messages whose button is pressed, until the bot answers. */
  const pressed = signal<ReadonlySet<number>>(new Set());
  const held = new Map<number, Message>();
  /** Presses without an answer so far, by the query's id. */
  const waiting = new Map<string, number>();
  let early: FeedEvent[] | null = null;
  let actionTimer: ReturnType<typeof setTimeout> | undefined;

  function put(message: Message): void {
    held.set(message.message_id, message);
    const oldest = held.size > KEPT_MAX ? held.keys().next().value : undefined;
    if (oldest !== undefined) held.delete(oldest);
  }

  function act(what: string | null): void {
    clearTimeout(actionTimer);
    action.value = what;
    if (what !== null) actionTimer = setTimeout(() => act(null), ACTION_MS);
  }

  function apply(event: FeedEvent): void {
    const message = event.message as Message | undefined;
    if (event.type === 'message' || event.type === 'edited') {
      if (message !== undefined) put(message);
      if (event.direction === 'out') act(null);
    } else if (event.type === 'deleted') held.delete(Number(event.message_id));
    else if (event.type === 'chat_action') act(event.action === 'cancel' ? null : String(event.action));
    else if (event.type === 'callback') {
      const { id, message: under } = fieldsOf(event.callback_query);
      waiting.set(String(id), Number(fieldsOf(under).message_id));
      setTimeout(() => {
        if (waiting.delete(String(id))) pressed.value = new Set(waiting.values());
      }, PRESS_MS);
    } else if (event.type === 'callback_answer') {
      waiting.delete(String(event.callback_query_id));
      if (typeof event.text === 'string') toast.value = { text: event.text, alert: event.show_alert === true };
    }
  }

  return {
    ...{ chat, messages, action, toast, pressed },
    /** Reads the whole of it anew; what is told meanwhile is put on top. */
    async load(): Promise<void> {
      const own: FeedEvent[] = [];
      early = own;
      const read = await answers.transcript(chat).catch(() => ({ chat: null, messages: [] }));
      if (early !== own) return;
      early = null;
      held.clear();
      waiting.clear();
      for (const message of read.messages) put(message);
      if (read.chat !== null) found(read.chat);
      for (const event of own) apply(event);
      messages.value = [...held.values()];
      pressed.value = new Set(waiting.values());
    },
    /** Takes what happened in this chat. */
    take(events: readonly FeedEvent[]): void {
      if (events.length === 0) return;
      if (early !== null) {
        early.push(...events);
        return;
      }
      for (const event of events) apply(event);
      messages.value = [...held.values()];
      pressed.value = new Set(waiting.values());
    },
  };
}

export type Room = ReturnType<typeof createRoom>;
