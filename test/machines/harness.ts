import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  createMachine,
  type StateValue,
} from 'xstate';
import type {
  AnswerCallback,
  CallbackReceived,
  Edit,
  MembershipChanged,
  MessageEdited,
  MessageReceived,
  Person,
  Reply,
} from '../../machines/events.ts';

export interface AskedOfBackend {
  readonly id: string;
  readonly src: string;
  readonly input: unknown;
}

/** What one step asked for, as data. */
export interface Asked {
  readonly replies: readonly Reply[];
  readonly edits: readonly Edit[];
  readonly answers: readonly AnswerCallback[];
  readonly requests: readonly AskedOfBackend[];
  /** Every word said, replies, edits and notices: for "it says so". */
  readonly words: string;
  /** Nothing at all was asked for. */
  readonly silent: boolean;
}

/** A conversation that is stepped as Switchboard steps it: no effect is done, and the snapshot goes through JSON. */
export interface Talk {
  send(event: { readonly type: string; readonly [field: string]: unknown }): Asked;
  /** Fires the one timer that is set. Throws where there is not exactly one. */
  elapse(): Asked;
  /** Answers the one request that is open. Throws where there is none. */
  answer(output: unknown): Asked;
  fail(error: { readonly code: string; readonly message: string }): Asked;
  readonly state: StateValue;
  readonly context: unknown;
  /** Delays in ms of the timers that are set, by id. */
  readonly timers: ReadonlyMap<string, number>;
}

interface Raised {
  readonly id: string;
  readonly delay?: number;
}

/** Starts a conversation with the machine. */
export function talkTo(machine: AnyStateMachine, input: unknown): Talk {
  const collected: { type: string; params: unknown }[] = [];
  const timers = new Map<string, number>();
  const open = new Map<string, AskedOfBackend>();
  const self = createActor(machine, { parent: createActor(createMachine({})), id: 'conversation' });
  const scope: AnyActorScope = {
    self,
    id: self.id,
    sessionId: self.sessionId,
    system: self.system,
    logger: () => {},
    defer: () => {},
    stopChild: () => {},
    emit: () => {},
    actionExecutor: (action) => collected.push({ type: action.type, params: action.params }),
  };

  function take(): Asked {
    const actions = collected.splice(0);
    const of = <T>(type: string) => actions.filter((a) => a.type === type).map((a) => a.params as T);
    for (const { type, params } of actions) {
      if (type === 'xstate.raise') {
        const { id, delay } = params as Raised;
        if (delay !== undefined) timers.set(id, delay);
      }
      if (type === 'xstate.cancel') timers.delete((params as { sendId: string }).sendId);
      if (type === 'xstate.stopChild') open.delete((params as { id: string }).id);
      if (type === 'xstate.spawnChild') {
        const { id, src, input } = params as AskedOfBackend;
        open.set(id, { id, src, input });
      }
    }
    const replies = of<Reply>('reply');
    const edits = of<Edit>('edit');
    const answers = of<AnswerCallback>('answerCallback');
    const requests = of<AskedOfBackend>('xstate.spawnChild').map(({ id, src, input }) => ({ id, src, input }));
    const words = [...replies, ...edits, ...answers].map((said) => said.text ?? '').join('\n');
    return { replies, edits, answers, requests, words, silent: actions.length === 0 };
  }

  const throughJson = (snapshot: AnyMachineSnapshot): AnyMachineSnapshot => {
    if (snapshot.status === 'error') throw snapshot.error;
    return machine.restoreSnapshot(JSON.parse(JSON.stringify(machine.getPersistedSnapshot(snapshot))), scope);
  };
  let snapshot = throughJson(machine.getInitialSnapshot(scope, input));
  take();
  const send: Talk['send'] = (event) => {
    snapshot = throughJson(machine.transition(snapshot, event, scope));
    return take();
  };
  const only = <T>(map: Map<string, T>, what: string): string => {
    const [id, ...more] = map.keys();
    if (id === undefined || more.length > 0) throw new Error(`${map.size} ${what}, not one`);
    map.delete(id);
    return id;
  };

  return {
    send,
    elapse: () => send({ type: only(timers, 'timers are set') }),
    answer(output) {
      const id = only(open, 'requests are open');
      return send({ type: `xstate.done.actor.${id}`, output, actorId: id });
    },
    fail(error) {
      const id = only(open, 'requests are open');
      return send({ type: `xstate.error.actor.${id}`, error, actorId: id });
    },
    get state() {
      return snapshot.value;
    },
    get context() {
      return snapshot.context;
    },
    timers,
  };
}

export const ANNA: Person = { id: 7, firstName: 'Anna' };
export const BOB: Person = { id: 8, firstName: 'Bob' };

let messageId = 100;

/** Somebody writes a text. Message ids rise, as in Telegram. */
export const says = (text: string, more: Partial<Omit<MessageReceived, 'type'>> = {}) => ({
  type: 'message.received' as const,
  text,
  kind: 'text',
  messageId: ++messageId,
  from: ANNA,
  at: '2026-01-01T00:00:00.000Z',
  ...more,
});

/** Somebody changes a text. */
export const edits = (text: string, more: Partial<Omit<MessageEdited, 'type'>> = {}) => ({
  ...says(text, more),
  type: 'message.edited' as const,
});

/** Somebody presses a button under the bot's message 900. */
export const presses = (data: string, more: Partial<Omit<CallbackReceived, 'type'>> = {}) => ({
  type: 'callback.received' as const,
  id: 'press-1',
  data,
  messageId: 900,
  from: ANNA,
  ...more,
});

/** The user's standing with the bot changes. */
export const membership = (status: string): MembershipChanged & { readonly [field: string]: unknown } => ({
  type: 'membership.changed',
  status,
});

/** The data of a button under the only reply. */
export function button(asked: Asked, text: string): string {
  const found = asked.replies.flatMap((r) => r.reply_markup?.inline_keyboard.flat() ?? []).find((b) => b.text === text);
  if (found?.callback_data === undefined) throw new Error(`No button ${text} in ${JSON.stringify(asked.replies)}`);
  return found.callback_data;
}
