import { fieldsOf } from '../ui/api.ts';

/** A journal entry (docs/events.md). */
export interface Entry {
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  readonly [field: string]: unknown;
}

/** A message of the bot, from its acceptance to its fate. */
export interface Sending {
  readonly id: string;
  readonly accepted: Entry | null;
  /** The entry that tells what became of it; null: it is on its way. */
  readonly fate: Entry | null;
}

/** What came to the chat, and all that Switchboard did with it in the same unit of work. */
export interface Act {
  /** Of its first entry: names the act. */
  readonly seq: number;
  readonly cause: Entry | null;
  readonly told: readonly Entry[];
  readonly sendings: readonly Sending[];
  /** Messages of the chat that it is about. */
  readonly messages: ReadonlySet<number>;
}

const CAUSES = ['update.received', 'event.received', 'timer.fired', 'request.answered'];
const FATES = ['message.sent', 'message.failed', 'message.unknown', 'message.canceled', 'message.expired'];
/** The entries that are told. */
export const ENTRY_TYPES = [
  ...[...CAUSES, ...FATES, 'message.accepted'],
  ...['chat.moved', 'chat.migrated', 'chat.emitted', 'chat.quarantined', 'chat.resumed'],
];
/** Acts that are kept. */
const KEPT_MAX = 500;

/** The part of an update that holds its message. */
export function messageIn(update: unknown): Readonly<Record<string, unknown>> | null {
  for (const [name, content] of Object.entries(fieldsOf(update))) {
    if (name === 'callback_query') return fieldsOf(fieldsOf(content).message);
    if ('message_id' in fieldsOf(content)) return fieldsOf(content);
  }
  return null;
}

const idOf = (entry: Entry): string => String(fieldsOf(entry.message).id);

/** Puts entries, as they come, together to acts. */
export function createActs() {
  const acts: Act[] = [];
  /** Where a message that has no fate yet was accepted. */
  const open = new Map<string, number>();
  let dropped = 0;

  function begin(act: Act): void {
    acts.push(act);
    if (acts.length <= KEPT_MAX) return;
    acts.shift();
    dropped += 1;
  }

  function change(index: number, changed: (act: Act) => Act): void {
    const act = acts[index - dropped];
    if (act !== undefined) acts[index - dropped] = changed(act);
  }

  return {
    acts,
    add(entry: Entry): void {
      const { seq, at, type } = entry;
      const alone: Act = { seq, cause: null, told: [], sendings: [], messages: new Set() };
      if (CAUSES.includes(type)) {
        const message = Number(messageIn(entry.update)?.message_id);
        begin({ ...alone, cause: entry, messages: new Set(Number.isNaN(message) ? [] : [message]) });
        return;
      }
      if (FATES.includes(type)) {
        const where = open.get(idOf(entry));
        // Telegram's word may come again: an unknown message is resolved.
        const message = Number(fieldsOf(entry.message).telegram_message_id);
        if (where === undefined || where < dropped)
          begin({ ...alone, sendings: [{ id: idOf(entry), accepted: null, fate: entry }] });
        else {
          change(where, (act) => ({
            ...act,
            sendings: act.sendings.map((one) => (one.id === idOf(entry) ? { ...one, fate: entry } : one)),
            messages: Number.isNaN(message) ? act.messages : new Set([...act.messages, message]),
          }));
        }
        return;
      }
      // What belongs to a unit of work has its time; what was posted from outside has one of its own.
      const last = acts.at(-1);
      if (last === undefined || (last.cause ?? last.told[0])?.at !== at) begin(alone);
      const index = dropped + acts.length - 1;
      if (type === 'message.accepted') {
        open.set(idOf(entry), index);
        change(index, (act) => ({
          ...act,
          sendings: [...act.sendings, { id: idOf(entry), accepted: entry, fate: null }],
        }));
      } else change(index, (act) => ({ ...act, told: [...act.told, entry] }));
    },
  };
}
