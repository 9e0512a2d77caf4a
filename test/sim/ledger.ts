import type { RequestTries } from '../../src/backend/asking.ts';
import type { Entry } from '../../src/journal/journal.ts';
import { type Fields, saysOf, textOf, type Update } from './bodies.ts';
import { tokenOf } from './checks.ts';
import { Inquiries } from './inquiries.ts';
import { buttonUnder, type Coming, type Expected, pressText, type Timer } from './plain-chatter.ts';
import { Punctuality } from './punctual.ts';
import { FIRST, NAMES, type Release, type Unfit } from './release.ts';
import { SUPERGROUP } from './script.ts';
import { type Surroundings, Talk } from './talk.ts';

/** What a world knows of the presses in it. */
export interface Presses {
  /** The text of the conversation's message that has the button; null: none has. */
  readonly pressedUnder: (press: NonNullable<Update['callback_query']>) => string | null;
  /** Entries that are kept; null: all. */
  readonly keeps: number | null;
}

const FATES: readonly string[] = ['sent', 'failed', 'unknown', 'canceled', 'expired'].map((fate) => `message.${fate}`);

/** A message by its entries. */
export interface Told {
  readonly id: string;
  readonly seq: number;
  readonly chat: string;
  readonly text: string;
  readonly fates: string[];
  telegramMessageId: number | null;
}

/**
 * The plain model: what the journal must hold, entry by entry, given what came in. What each event brings to a
 * conversation is said by `Talk` (I2, I3, I8), what becomes of a request by `Inquiries`.
 */
export class Ledger {
  readonly #violate: (invariant: string, what: string) => void;
  readonly inquiries: Inquiries;
  readonly punctuality = new Punctuality();
  readonly #world: Surroundings;
  readonly #presses: Presses;
  readonly #talks = new Map<string, Talk>();
  /** What the entries that come next must be. */
  #expected: Expected[] = [];
  /** An event for a conversation of another version, which must come to today's first, or may. */
  #delayed: { readonly id: string; readonly coming: Coming; readonly at: number; readonly must: boolean } | null = null;
  /** A chat's timer fired before another chat's that was due earlier: so it may where that chat's own event follows. */
  #ahead: { readonly id: string; readonly at: number; readonly what: string } | null = null;
  /** Journalled updates, in order. */
  readonly updates: unknown[] = [];
  readonly tokens = new Set<string>();
  /** Events that an aggregator posted, by their note, and the entry of each. */
  readonly notes = new Map<string, number>();
  readonly messages = new Map<string, Told>();
  readonly #byText = new Map<string, Told>();
  readonly #moved = new Map<string, string>();
  #seq = 0;

  constructor(
    violate: (invariant: string, what: string) => void,
    unfit: Unfit,
    heldPerUnit: () => number,
    tries: RequestTries,
    presses: Presses,
  ) {
    this.#violate = violate;
    this.#presses = presses;
    this.inquiries = new Inquiries(violate, tries);
    this.#world = { inquiries: this.inquiries, unfit, today: FIRST, heldPerUnit };
  }

  /** From here on entries are those of a process that runs this. */
  serves(release: Release, wall: number): void {
    this.#world.today = release;
    this.punctuality.excuse(wall);
  }

  /** Somebody has set the wall clock: it shows this now. */
  clockSet(byMs: number, wall: number): void {
    this.punctuality.clockSet(byMs, wall);
    this.inquiries.setBackMs += Math.max(0, -byMs);
  }

  messageOf(text: string): Told | null {
    return this.#byText.get(text) ?? null;
  }

  fateOf(id: string): string | null {
    return this.messages.get(id)?.fates.at(-1) ?? null;
  }

  /** Each conversation that there is, by its id. */
  get talks(): ReadonlyMap<string, Talk> {
    return this.#talks;
  }

  get quarantined(): string[] {
    return [...this.#talks].filter(([, talk]) => talk.quarantined).map(([id]) => id);
  }

  /** What has not come to its end: conversations that wait for a timer or to be brought up, and open requests. */
  get waiting(): string[] {
    const late = [...this.#talks].filter(([, talk]) => talk.timers.size > 0 || talk.mustComeUp);
    const open = this.inquiries.open.map(({ src, about }) => `the answer to ${src} ${about}`);
    return [...late.map(([id]) => `${id} for a timer, or a version`), ...open];
  }

  take(entry: Entry): void {
    const { seq, type, chat, at } = entry;
    if (seq !== this.#seq + 1) this.#violate('journal', `entry ${seq} follows entry ${this.#seq}`);
    this.#seq = seq;
    this.inquiries.heardAt(at);
    const fields: Fields = JSON.parse(entry.body);
    const id: string = fields.conversation ?? chat ?? '';
    // A press may prove that its message has arrived, which stands between the press and what comes of it.
    if (FATES.includes(type)) {
      this.#fate(entry, fields);
      return;
    }
    this.#takeDelayed(id, type);
    if (this.#meetsExpected(entry, fields)) return;
    this.#checkAhead(entry, id);
    switch (type) {
      case 'update.received':
        this.#update(fields, seq, at);
        return;
      case 'event.received': {
        const { note } = fields.event;
        if (this.notes.has(note)) this.#violate('I2', `${note} was journalled twice`);
        this.notes.set(note, seq);
        this.#hear(id, { kind: 'note', text: note, seq }, at);
        return;
      }
      case 'timer.fired':
        this.#fire(id, fields, seq, at);
        return;
      case 'request.answered':
        this.#answer(id, fields, seq, at);
        return;
      default:
        this.#unasked(entry, fields, id);
    }
  }

  /** A unit of work has ended: all that it had to bring is there. */
  settle(): void {
    this.#takeDelayed('', '');
    this.#checkAhead(null, '');
    const [missing] = this.#expected;
    if (missing !== undefined) this.#violate('I3', `${missing.type} ${missing.says} is missing after ${this.#seq}`);
    this.#expected = [];
  }

  /** What no event has brought: an aggregator's message, a version, a retry. */
  #unasked(entry: Entry, fields: Fields, id: string): void {
    const { seq, type, at, body } = entry;
    const talk = type === 'message.accepted' ? this.#retried(id, textOf(fields.message)) : this.#talks.get(id);
    if (type === 'message.accepted' && /^post #\d+$/.test(textOf(fields.message))) {
      this.#accept(entry, fields);
      return;
    }
    if (talk?.quarantined) {
      // Units of work of a retry that bring no entry are not seen.
      while (this.#expected.length === 0) this.#expected = talk.retry(at);
    } else if (talk?.runs && talk.outdated) this.#expected = talk.bringUp();
    if (!this.#meetsExpected(entry, fields))
      this.#violate('I3', `entry ${seq} is ${type}, and nothing has caused it: ${body}`);
  }

  /** The conversation of a chat that stands still, and whose retry would send this: what it has heard tells. */
  #retried(chat: string, text: string): Talk | undefined {
    return [...this.#talks].find(([id, talk]) => {
      const held = talk.held.flatMap((coming) => [
        'text' in coming ? coming.text : '',
        'query' in coming ? coming.query : '',
      ]);
      const words = [talk.last, ...held];
      const own = id === chat || id.startsWith(`${chat}:`);
      return own && talk.quarantined && words.some((word) => word !== '' && text.endsWith(word));
    })?.[1];
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

  #fate({ seq, type, body }: Entry, { message }: Fields): void {
    const told = this.messages.get(message.id);
    told?.fates.push(type.slice('message.'.length));
    if (told === undefined) this.#violate('I5', `entry ${seq} tells the fate of an unknown message: ${body}`);
    else if (message.telegram_message_id !== undefined) told.telegramMessageId = message.telegram_message_id;
  }

  #update({ update, button }: Fields, seq: number, at: number): void {
    this.updates.push(update);
    const token = tokenOf(update);
    if (this.tokens.has(token)) this.#violate('I2', `the update of ${token} was journalled twice`);
    this.tokens.add(token);
    const { message, callback_query: press, edited_message: edited, my_chat_member: member } = update;
    const content = message ?? press ?? edited ?? member;
    const chat = content?.chat ?? press?.message?.chat;
    const text = content?.text ?? '';
    if (message?.migrate_to_chat_id !== undefined && chat !== undefined)
      this.#migrate(chat.id, message.migrate_to_chat_id);
    if (message?.migrate_from_chat_id !== undefined && chat !== undefined)
      this.#migrate(message.migrate_from_chat_id, chat.id);
    if (content?.from === undefined || chat === undefined) return;
    const id = chat.type === 'private' ? String(chat.id) : `${chat.id}:u${content.from.id}`;
    if (press !== undefined) {
      const pressed = this.#pressed(press, button, seq);
      if (pressed !== null)
        this.#hear(id, { kind: 'press', text: pressText(press.id, pressed), query: press.id, seq }, at);
    } else if (member !== undefined) this.#hear(id, { kind: 'member', seq }, at);
    else this.#hear(id, { kind: message === undefined ? 'edit' : 'message', text, seq }, at);
  }

  /** What the machine hears of a press; null: nothing, as the button is no conversation's. */
  #pressed(press: NonNullable<Update['callback_query']>, button: Fields['button'], seq: number): string | null {
    const text = this.#presses.pressedUnder(press);
    const asked = text === null ? null : this.messageOf(text);
    const pressed = text === null ? null : buttonUnder(text);
    const { keeps } = this.#presses;
    // Retention may have taken what the button carried, with the entry that has it.
    const mayBeTaken = keeps !== null && asked !== null && asked.seq <= seq - keeps;
    if (button === '' && mayBeTaken) return '';
    if (button !== pressed)
      this.#violate('presses', `entry ${seq} is of a press of ${pressed}, and says ${JSON.stringify(button)}`);
    return pressed;
  }

  /** One name for a chat, also where it is known to have become another. */
  chatOf(chat: string): string {
    return this.#moved.get(chat) ?? chat;
  }

  /** A group's conversations go on under its new id; one that has ended gives way to one that runs. */
  #migrate(from: number, to: number): void {
    this.#moved.set(String(to), String(from));
    for (const [id, talk] of [...this.#talks]) {
      if (!id.startsWith(`${from}:`)) continue;
      this.#talks.delete(id);
      const next = id.replace(String(from), String(to));
      const there = this.#talks.get(next);
      const stays = there === undefined || talk.runs || !there.runs;
      (stays ? there : talk)?.drop();
      if (stays) this.#talks.set(next, talk);
    }
  }

  /** The id that a conversation has now: its group may have moved. */
  idOf(id: string): string {
    return this.#moved.has(String(SUPERGROUP)) ? id.replace(/^-100:/, `${SUPERGROUP}:`) : id;
  }

  /** Whether there is such a conversation, under this id or the one that its group has now. */
  knows(id: string): boolean {
    return [id, this.idOf(id)].some((one) => this.#talks.get(one)?.begun === true);
  }

  #talk(id: string): Talk {
    const talk = this.#talks.get(id) ?? new Talk(this.#world);
    this.#talks.set(id, talk);
    return talk;
  }

  #hear(id: string, coming: Coming, at: number): void {
    const talk = this.#talk(id);
    this.#checkOverdue(id, talk, coming.seq, at);
    this.#step(id, talk, coming, at);
  }

  #step(id: string, talk: Talk, coming: Coming, at: number): void {
    if (talk.runs && talk.outdated) this.#delayed = { id, coming, at, must: talk.mustComeUp };
    else this.#expected = talk.take(coming, at);
  }

  /** What was delayed is taken, now that the next entry, of this type, tells whether a version came before it. */
  #takeDelayed(id: string, type: string): void {
    const delayed = this.#delayed;
    if (delayed === null) return;
    this.#delayed = null;
    const { coming, at, must } = delayed;
    const talk = this.#talk(delayed.id);
    if (id === delayed.id && (type === 'chat.migrated' || (must && type === 'chat.quarantined'))) {
      this.#expected = talk.bringUp();
    } else if (must) {
      this.#violate('versions', `entry ${coming.seq} steps ${delayed.id} as version ${talk.version}`);
    }
    this.#expected.push(...talk.take(coming, at));
  }

  #fire(id: string, { timer: name, due_at: dueAt }: Fields, seq: number, at: number): void {
    const talk = this.#talk(id);
    const timer = timerOf(name);
    const what = `entry ${seq} fires ${name} of ${id}`;
    const wrong = (why: string): void => this.#violate('timers', `${what} ${why}`);
    if (at < dueAt) wrong(`${dueAt - at} ms before it is due`);
    const latest = this.punctuality.latest(dueAt);
    if (at > latest) wrong(`${at - latest} ms late`);
    const due = timer === null ? undefined : talk.timers.get(timer);
    if (timer === null || due !== dueAt) {
      wrong(`due at ${dueAt}: it should be ${due}`);
      return;
    }
    for (const other of talk.timers.values()) if (other < dueAt) wrong('after one that was due later');
    const first = [...talk.timers].find(([, other]) => other === dueAt)?.[0];
    if (first !== timer) wrong(`before ${first}, which was set first`);
    const others = [...this.#talks.values()].flatMap((one) => [...one.timers.values()]);
    if (others.some((other) => other < dueAt)) this.#ahead = { id, at, what };
    talk.timers.delete(timer);
    this.#step(id, talk, { kind: 'timer', timer, seq }, at);
  }

  /** What follows a timer that fired ahead of another chat's is an event for its own chat, in the same unit of work. */
  #checkAhead(entry: Entry | null, id: string): void {
    const ahead = this.#ahead;
    if (ahead === null || entry?.type === 'timer.fired') {
      if (ahead !== null && ahead.id !== id) this.#violate('timers', `${ahead.what} before one that was due earlier`);
      return;
    }
    this.#ahead = null;
    const own = entry !== null && (id === ahead.id || ahead.id.startsWith(`${entry.chat}:`));
    if (!own || entry.at !== ahead.at) this.#violate('timers', `${ahead.what} before one that was due earlier`);
  }

  /** What came due before an event came happens before it. */
  #checkOverdue(id: string, talk: Talk, seq: number, at: number): void {
    for (const [timer, dueAt] of talk.timers) {
      if (dueAt <= at) this.#violate('timers', `entry ${seq} comes to ${id} before its timer ${timer} of ${dueAt}`);
    }
  }

  #answer(id: string, fields: Fields, seq: number, at: number): void {
    const talk = this.#talk(id);
    this.#checkOverdue(id, talk, seq, at);
    const awaited = talk.asked.get(fields.src) ?? null;
    const inquiry = this.inquiries.end(seq, fields, awaited);
    if (inquiry === null || inquiry.src === 'record') return;
    if (inquiry !== awaited) this.#violate('requests', `entry ${seq} answers ${fields.request} to ${id}`);
    this.#step(id, talk, { kind: 'answer', src: inquiry.src, found: fields.output?.found ?? null, seq }, at);
  }
}

/** Which of a conversation's timers it is, by the name that XState gives to an `after`; null: none. */
function timerOf(name: string): Timer | null {
  if (name === 'alarm') return name;
  const state = /^xstate\.after\.(?:delay|patience)\.chatter\.([\w.]+)$/.exec(name)?.[1] ?? '';
  for (const { waiting, asking, both } of Object.values(NAMES)) {
    if (state === waiting) return 'waiting';
    if (state === asking) return 'asking';
    if (state === `${both}.left.runs`) return 'left';
    if (state === `${both}.right.asks`) return 'right';
  }
  return null;
}
