import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { INSTEAD, NotDurable } from './durable.ts';

/** What a step asks for. It becomes rows of the unit of work, and is done only after that has committed. */
export type Effect =
  | { readonly kind: 'call'; readonly action: MessageAction; readonly params: Readonly<Record<string, unknown>> }
  | { readonly kind: 'timer'; readonly id: string | null; readonly delayMs: number; readonly event: unknown }
  | { readonly kind: 'clearTimer'; readonly id: string }
  /** `invoke` empty: nobody waits for the answer. */
  | { readonly kind: 'request'; readonly invoke: string; readonly src: string; readonly input: unknown }
  | { readonly kind: 'withdraw'; readonly invoke: string }
  | { readonly kind: 'emit'; readonly event: unknown };

/** The named actions that become a call of the Bot API. */
export const MESSAGE_ACTIONS = {
  reply: 'sendMessage',
  edit: 'editMessageText',
  answerCallback: 'answerCallbackQuery',
} as const;
export type MessageAction = keyof typeof MESSAGE_ACTIONS;

/** Whether a named action becomes a call of the Bot API. */
export const isMessageAction = (type: string): type is MessageAction => Object.hasOwn(MESSAGE_ACTIONS, type);

/** Whether params say where a call goes: that is not the machine's to say, whose chat it is that it runs for. */
export const isAddressed = (params: object): boolean => 'chat_id' in params || 'inline_message_id' in params;

/** The live actors that a machine may send to: what is sent to the backend is asked, what is sent to operators is an entry. */
export const SYSTEM_ACTORS = ['backend', 'operators'] as const;

/** What `system.get(name)` gives a machine: a name to send to, and nothing that lives. */
export class SystemActor {
  readonly name: (typeof SYSTEM_ACTORS)[number];
  constructor(name: SystemActor['name']) {
    this.name = name;
  }
}

/** Throws NotDurable where a machine may not send to that actor. */
export function systemActor(name: unknown): SystemActor {
  const known = SYSTEM_ACTORS.find((actor) => actor === name);
  if (known !== undefined) return new SystemActor(known);
  throw new NotDurable(`there is no actor ${JSON.stringify(name)} to send to: ${INSTEAD.sendNobody}`);
}

// XState's own actions, as they arrive in `actionExecutor` (xstate 5, packages/core/src/actions).
const Call = Compile(Type.Record(Type.String(), Type.Unknown()));
const Event = Type.Object({ type: Type.String() });
const Raise = Compile(
  Type.Object({ event: Event, id: Type.Optional(Type.String()), delay: Type.Optional(Type.Unknown()) }),
);
const Cancel = Compile(Type.Object({ sendId: Type.String() }));
const Child = Compile(Type.Object({ id: Type.String() }));
const Spawn = Compile(
  Type.Object({
    id: Type.Optional(Type.Unknown()),
    src: Type.Unknown(),
    input: Type.Optional(Type.Unknown()),
    actorRef: Type.Optional(Type.Unknown()),
  }),
);
const Emit = Compile(Type.Object({ event: Event }));
const Send = Compile(Type.Object({ to: Type.Unknown(), event: Event, delay: Type.Optional(Type.Unknown()) }));

/** The value itself, once it is known to have the shape. */
function parse<T>(shape: { Check(value: unknown): value is T }, value: unknown): T {
  if (shape.Check(value)) return value;
  throw new NotDurable('an event must be an object with a type, and an id a text');
}

/**
 * Translates one of XState's actions. Null where nothing is to be done: a `raise` without a delay has been taken
 * already, a `log` is for the author's desk, a child that is stopped has been answered. Throws NotDurable.
 */
export function effectOf(action: { readonly type: string; readonly params: unknown }): Effect | null {
  const { type, params } = action;
  if (isMessageAction(type)) {
    if (Call.Check(params)) {
      if (isAddressed(params)) throw new NotDurable(`the action ${type}: ${INSTEAD.address}`);
      return { kind: 'call', action: type, params };
    }
    throw new NotDurable(`the action ${type} needs params: an object of the Bot API's fields`);
  }
  switch (type) {
    case 'xstate.raise': {
      const { event, id, delay } = parse(Raise, params);
      if (delay === undefined) return null;
      if (typeof delay === 'number') return { kind: 'timer', id: id ?? null, delayMs: delay, event };
      throw new NotDurable(`a delay must be a number of ms, and is a ${typeof delay}`);
    }
    case 'xstate.cancel':
      return { kind: 'clearTimer', id: parse(Cancel, params).sendId };
    case 'xstate.spawnChild':
      return requestOf(params);
    case 'xstate.stopChild':
      return params === undefined ? null : { kind: 'withdraw', invoke: parse(Child, params).id };
    case 'xstate.emit':
      return { kind: 'emit', event: parse(Emit, params).event };
    case 'xstate.sendTo':
      return sendOf(params);
    case 'xstate.log':
      return null;
    default:
      throw new NotDurable(`the action ${type} is not one that Switchboard can do: ${INSTEAD.action}`);
  }
}

function requestOf(params: unknown): Effect {
  const { id, src, input = null, actorRef } = parse(Spawn, params);
  if (typeof src !== 'string') throw new NotDurable(INSTEAD.inlineActor);
  // The id that XState gives where the author gives none is the process's own.
  if (id === undefined) throw new NotDurable(INSTEAD.childId);
  if (!Child.Check(actorRef)) throw new NotDurable(`the actor ${src} is not in setup({ actors })`);
  return { kind: 'request', invoke: actorRef.id, src, input };
}

function sendOf(params: unknown): Effect {
  const { to, event, delay } = parse(Send, params);
  if (!(to instanceof SystemActor)) throw new NotDurable(`nobody gets what is sent here: ${INSTEAD.sendNobody}`);
  if (delay !== undefined) throw new NotDurable(INSTEAD.sendLater);
  if (to.name === 'operators') return { kind: 'emit', event };
  const { type: src, ...input } = event;
  return { kind: 'request', invoke: '', src, input };
}
