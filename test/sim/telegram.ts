import { limits } from '../../src/limits.ts';
import { type RefusalAnswer, TelegramRefused, TelegramUnreachable } from '../../src/telegram/errors.ts';
import type { BotApi, CallOptions } from '../../src/telegram/telegram.ts';
import type { Update } from './bodies.ts';
import { checkCall, checkConfirmed, checkShown, forgetExpired } from './checks.ts';
import type { Process } from './process.ts';
import { type CallFault, GROUP, type PollFault, SUPERGROUP } from './script.ts';
import type { World } from './world.ts';

/** An update in Telegram's queue. */
interface Queued {
  readonly update: { readonly update_id: number };
  readonly at: number;
}

/** A message that a user has got from the bot. */
export interface Shown {
  readonly text: string;
  readonly messageId: number;
  readonly chat: unknown;
  /** What its buttons carry. */
  readonly buttons: readonly string[];
}

/** One call that sends, as Telegram's side knows it. */
export interface SendCall {
  readonly process: Process;
  /** The process has had its answer. */
  answered: boolean;
}

type Answer = { readonly ok: true; readonly result: unknown } | ({ readonly ok: false } & RefusalAnswer);

interface Poll {
  readonly offset: number;
  readonly answer: (answer: Answer) => void;
}

const DAY_MS = 24 * 3_600_000;
/** How far an offset may lie beyond the queue's end before Telegram takes it for one of another numbering. */
const OFFSET_AHEAD_MAX = 10;
const OFFSET_BEHIND_MAX = 50_000;
/** Where ids may go on. */
const PLACES = [500_000, 100_000, 900_000];
const FIRST_ID = 500_000;

const refusal = (error_code: number, description: string, parameters: RefusalAnswer['parameters'] = {}): Answer => ({
  ok: false,
  error_code,
  description,
  parameters,
});

/** Telegram, as telegram.md says that it behaves, with a network between that does what the script says. */
export class ModelTelegram {
  readonly #world: World;
  #queue: Queued[] = [];
  #confirmed: Queued[] = [];
  #nextId = FIRST_ID;
  /** The last offset that was asked for, and the last id that was given: where the poller may be. */
  #offset = FIRST_ID;
  #given = FIRST_ID;
  #poll: Poll | null = null;
  /** The next answer is given from the queue's head, whatever offset was asked for. */
  #forgetful = false;
  #messages = 0;
  #migrated = false;
  readonly #blocked = new Set<string>();
  /** Faults that wait for a call, the first armed first. */
  readonly callFaults: CallFault[] = [];
  readonly pollFaults: PollFault[] = [];
  outageUntil = 0;
  /** Every update that a user caused, in order; those that Telegram threw away for their age are taken out. */
  written: { readonly update_id: number }[] = [];
  /** What users have got, by the text that was sent. */
  readonly shown = new Map<string, Shown[]>();
  readonly calls = new Map<string, SendCall[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A user did something: the update is in the queue. */
  add(content: Readonly<Record<string, unknown>>): void {
    const update = { update_id: this.#nextId++, ...content };
    this.written.push(update);
    this.#noteBlocking(content);
    this.#queue.push({ update, at: this.#world.time.now });
    this.#serve();
  }

  /** The group becomes a supergroup: it has another id from now on. */
  migrate(n: number): void {
    if (this.#migrated) return;
    const notice = { message_id: 1, date: 0, n: `#${n}` };
    this.add({ message: { ...notice, chat: this.chat(GROUP), migrate_to_chat_id: SUPERGROUP } });
    this.#migrated = true;
    this.add({ message: { ...notice, n: `#${n}0000`, chat: this.chat(GROUP), migrate_from_chat_id: GROUP } });
  }

  /** A chat as updates name it today. */
  chat(id: number): { readonly id: number; readonly type: string } {
    if (id !== GROUP) return { id, type: 'private' };
    return this.#migrated ? { id: SUPERGROUP, type: 'supergroup' } : { id, type: 'group' };
  }

  /** What a chat shows under its id of today, the oldest first. */
  shownIn(chat: number): Shown[] {
    const all = [...this.shown.values()].flat().filter((message) => message.chat === this.chat(chat).id);
    return all.sort((a, b) => a.messageId - b.messageId);
  }

  /** The text of the conversation's message that has the button that a press is of; null: none has. */
  pressedUnder({ data, message }: NonNullable<Update['callback_query']>): string | null {
    const { message_id: messageId, chat } = message ?? {};
    const pressed = [...this.shown.values()]
      .flat()
      .find((shown) => shown.messageId === messageId && shown.chat === chat?.id && shown.buttons.includes(data));
    return pressed?.text ?? null;
  }

  /** Nothing waits to be delivered. */
  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /** Delivers again what was confirmed lately, before what waits. */
  repeat(count: number): void {
    const since = this.#world.time.now - DAY_MS;
    const again = this.#confirmed.slice(-count).filter(({ at }) => at > since);
    this.#confirmed = this.#confirmed.slice(0, this.#confirmed.length - again.length);
    this.#queue.unshift(...again);
    this.#forgetful = again.length > 0;
    this.#serve();
  }

  /**
   * After an idle week ids go on elsewhere, and what is older than a day is gone. They go on so far from
   * where the poller is that Telegram takes its offset for none of theirs; ids come again that were there before.
   */
  restart(ahead: number): void {
    this.#expire();
    const far = (place: number): boolean =>
      [this.#offset, this.#given].every((id) => Math.abs(id - place) > OFFSET_BEHIND_MAX);
    this.#nextId = (PLACES.find(far) ?? 0) + ahead;
  }

  block(chat: number): void {
    this.#blocked.add(String(chat));
  }

  /** Who writes to the bot has let it in again. */
  #noteBlocking(content: { readonly [kind: string]: unknown }): void {
    const { message, callback_query, my_chat_member: member } = content;
    const text = JSON.stringify(content);
    const chat = /"chat":\{"id":(-?\d+)/.exec(text)?.[1] ?? '';
    if (text.includes('"kicked"')) this.#blocked.add(chat);
    else if (message !== undefined || callback_query !== undefined || member !== undefined) this.#blocked.delete(chat);
  }

  /** The wire's end at one process. */
  apiFor(process: Process): BotApi {
    return {
      call: (method, params, options) => this.#call(process, method, params, options ?? {}),
      close: async () => {},
    };
  }

  #call(process: Process, method: string, params: Readonly<Record<string, unknown>>, options: CallOptions) {
    const world = this.#world;
    const isPoll = method === 'getUpdates';
    const isSend = !isPoll && method !== 'getMe';
    const text = String(params.text ?? params.callback_query_id ?? '');
    const record: SendCall = { process, answered: false };
    const chat = world.ledger.chatOf(String(params.chat_id ?? ''));
    if (isSend && !process.dead) checkCall(world, process, method, text);
    return new Promise<unknown>((resolve, reject) => {
      if (isSend && world.trouble.moment('call', process)) return;
      if (process.dead) return;
      const fault = isPoll ? this.pollFaults.shift() : isSend ? this.callFaults.shift() : undefined;
      world.trace(`call ${method} ${text} ${isPoll ? String(params.offset) : ''} ${fault ?? ''}`);
      if (isSend && chat !== '') process.busy.add(chat);
      let over = false;
      const end = (settle: () => void): void => {
        if (over) return;
        over = true;
        timer.fn = null;
        process.busy.delete(chat);
        if (process.dead || (isSend && world.trouble.moment('answer', process))) return;
        settle();
      };
      const lost = (why: string, left: boolean): void =>
        end(() => {
          world.trace(`lost ${method} ${text} ${why}`);
          reject(new TelegramUnreachable(method, why, left));
        });
      const { timeoutMs = limits.botApiTimeoutMs, silenceMs = timeoutMs } = options;
      const timer = world.time.after(Math.min(timeoutMs, silenceMs), () => lost('no answer in time', true));
      options.signal?.addEventListener('abort', () => lost('aborted', true), { once: true });
      if (fault === 'unreachable' || world.time.now < this.outageUntil) {
        world.time.after(world.delay(1, 50), () => lost('no connection', false));
        return;
      }
      options.onLeaving?.();
      if (isSend) this.calls.set(text, [...(this.calls.get(text) ?? []), record]);
      const request = { arrives: true };
      process.wire.add(request);
      const travelMs = fault === 'late' ? limits.botApiTimeoutMs + world.delay(1, 5000) : world.delay(0, 40);
      world.time.after(travelMs, () => {
        process.wire.delete(request);
        if (!request.arrives || fault === 'request lost') return;
        const answer = (given: Answer): void => {
          if (fault === 'answer lost') return;
          if (fault === 'reset') {
            lost('connection reset', true);
            return;
          }
          const backMs = fault === 'slow' ? world.delay(1000, 25_000) : world.delay(0, 40);
          world.time.after(backMs, () =>
            end(() => {
              world.trace(`answer ${method} ${text} ${given.ok}`);
              record.answered = true;
              // As an HTTP answer's Date, in whole seconds.
              process.proven?.heard(Math.floor(world.time.actual / 1000) * 1000);
              if (given.ok) resolve(fault === 'malformed' ? { nonsense: true } : given.result);
              else reject(new TelegramRefused(method, given));
            }),
          );
        };
        if (isPoll) this.#receivePoll(params, fault, answer);
        else if (method === 'getMe') answer({ ok: true, result: { id: 1, is_bot: true, username: 'simbot' } });
        else answer(this.#carryOut(method, params, text, fault));
      });
      if (isSend) world.trouble.moment('called', process);
    });
  }

  #carryOut(
    method: string,
    params: Readonly<Record<string, unknown>>,
    text: string,
    fault: string | undefined,
  ): Answer {
    if (fault === 'error 500') return refusal(500, 'Internal Server Error');
    if (fault === 'flood 429') {
      const retry_after = this.#world.delay(1, 20);
      return refusal(429, `Too Many Requests: retry after ${retry_after}`, { retry_after });
    }
    if (fault === 'bad 400') return refusal(400, 'Bad Request: something is wrong');
    if (this.#migrated && params.chat_id === GROUP) {
      const parameters = { migrate_to_chat_id: SUPERGROUP };
      return refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', parameters);
    }
    if (this.#blocked.has(String(params.chat_id))) return refusal(403, 'Forbidden: bot was blocked by the user');
    this.#messages += 1;
    const messageId = this.#messages;
    const markup: { readonly inline_keyboard?: readonly (readonly { readonly callback_data: string }[])[] } = Object(
      params.reply_markup,
    );
    const buttons = markup.inline_keyboard?.flat().map((button) => button.callback_data) ?? [];
    this.shown.set(text, [...(this.shown.get(text) ?? []), { text, messageId, chat: params.chat_id, buttons }]);
    this.#world.trace(`shown ${text}`);
    checkShown(this.#world, text);
    if (method === 'answerCallbackQuery') return { ok: true, result: true };
    return { ok: true, result: { message_id: messageId, date: 0, chat: { id: params.chat_id }, text } };
  }

  #receivePoll(
    params: Readonly<Record<string, unknown>>,
    fault: string | undefined,
    answer: (answer: Answer) => void,
  ): void {
    const conflict =
      'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running';
    const refused = {
      'error 500': refusal(502, 'Bad Gateway'),
      'flood 429': refusal(429, 'Too Many Requests: retry after 3', { retry_after: 3 }),
      'conflict 409': refusal(409, conflict),
    }[fault ?? ''];
    if (refused !== undefined) {
      answer(refused);
      return;
    }
    this.#poll?.answer(refusal(409, conflict));
    const poll: Poll = { offset: typeof params.offset === 'number' ? params.offset : 0, answer };
    if (poll.offset > 0) this.#offset = poll.offset;
    this.#poll = poll;
    this.#serve();
    if (this.#poll !== poll) return;
    this.#world.time.after(Number(params.timeout ?? 0) * 1000, () => {
      if (this.#poll !== poll) return;
      this.#poll = null;
      answer({ ok: true, result: [] });
    });
  }

  /** Answers the poll that waits, where there is something for it. */
  #serve(): void {
    const poll = this.#poll;
    if (poll === null) return;
    this.#expire();
    if (!this.#forgetful) this.#confirm(poll.offset);
    if (this.#queue.length === 0) return;
    this.#poll = null;
    this.#forgetful = false;
    const updates = this.#queue.slice(0, this.#world.script.batch).map(({ update }) => update);
    this.#given = updates.at(-1)?.update_id ?? this.#given;
    poll.answer({ ok: true, result: structuredClone(updates) });
  }

  /** Forgets what the offset confirms. One of another numbering confirms nothing: Telegram serves from its head. */
  #confirm(offset: number): void {
    const head = this.#queue[0];
    const tail = this.#queue.at(-1);
    if (head === undefined || tail === undefined || offset <= 0) return;
    if (offset > tail.update.update_id + 1 + OFFSET_AHEAD_MAX) return;
    if (offset < head.update.update_id - OFFSET_BEHIND_MAX) return;
    for (let first = head; first !== undefined && first.update.update_id < offset; ) {
      this.#queue.shift();
      this.#confirmed.push(first);
      checkConfirmed(this.#world, first.update);
      const next = this.#queue[0];
      if (next === undefined) return;
      first = next;
    }
  }

  #expire(): void {
    const since = this.#world.time.now - DAY_MS;
    const gone = new Set(this.#queue.filter(({ at }) => at <= since).map(({ update }) => update));
    if (gone.size === 0) return;
    this.#queue = this.#queue.filter(({ update }) => !gone.has(update));
    forgetExpired(this.#world, gone);
  }
}
