import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** What a step asks for. It becomes rows of the unit of work, and is done only after that has committed. */
export type Effect =
  | { readonly kind: 'call'; readonly action: MessageAction; readonly params: Readonly<Record<string, unknown>> }
  | { readonly kind: 'timer'; readonly id: string | null; readonly delayMs: number; readonly event: unknown }
  | { readonly kind: 'clearTimer'; readonly id: string }
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

// XState's own actions, as they arrive in `actionExecutor` (xstate 5, packages/core/src/actions).
const Call = Compile(Type.Record(Type.String(), Type.Unknown()));
const Raise = Compile(
  Type.Object({
    event: Type.Object({ type: Type.String() }),
    id: Type.Optional(Type.String()),
    delay: Type.Optional(Type.Number()),
  }),
);
const Cancel = Compile(Type.Object({ sendId: Type.String() }));
const Spawn = Compile(Type.Object({ id: Type.String(), src: Type.String(), input: Type.Optional(Type.Unknown()) }));
const Child = Compile(Type.Object({ id: Type.String() }));
const Emit = Compile(Type.Object({ event: Type.Object({ type: Type.String() }) }));

/** The value itself, once it is known to have the shape. */
function parse<T>(shape: { Check(value: unknown): value is T }, value: unknown): T {
  if (shape.Check(value)) return value;
  throw new TypeError('XState handed over an action of a shape that this version does not know');
}

/**
 * Translates one of XState's actions. Null where nothing is to be done: a `raise` without a delay has been taken
 * already, a `log` is for the author's desk. Throws on what cannot be data.
 */
export function effectOf(action: { readonly type: string; readonly params: unknown }): Effect | null {
  const { type, params } = action;
  if (isMessageAction(type)) {
    if (Call.Check(params)) return { kind: 'call', action: type, params };
    throw new TypeError(`The action ${type} needs params: an object of the Bot API's fields`);
  }
  switch (type) {
    case 'xstate.raise': {
      const { event, id, delay } = parse(Raise, params);
      return delay === undefined ? null : { kind: 'timer', id: id ?? null, delayMs: delay, event };
    }
    case 'xstate.cancel':
      return { kind: 'clearTimer', id: parse(Cancel, params).sendId };
    case 'xstate.spawnChild': {
      const { id, src, input } = parse(Spawn, params);
      return { kind: 'request', invoke: id, src, input: input ?? null };
    }
    case 'xstate.stopChild':
      return { kind: 'withdraw', invoke: parse(Child, params).id };
    case 'xstate.emit':
      return { kind: 'emit', event: parse(Emit, params).event };
    case 'xstate.log':
      return null;
    default:
      throw new TypeError(`The action ${type} cannot be made durable: use ${Object.keys(MESSAGE_ACTIONS).join(', ')}`);
  }
}
