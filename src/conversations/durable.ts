import { limits } from '../limits.ts';

/** What a machine asks for cannot survive a crash. The message says what, and what to write instead. */
export class NotDurable extends TypeError {}

const ACTIONS =
  'write { type: "reply", params }, edit or answerCallback, or build it in setup() of assign, raise, emit, enqueueActions, sendTo, spawnChild';

/** What to write in place of what cannot be durable: the same words whether a machine is refused or a chat quarantined. */
export const INSTEAD = {
  action: ACTIONS,
  plainFunction: `an action given as a function would run in the process, once or never: ${ACTIONS}`,
  spawnInAssign:
    'an actor spawned in assign or in the context lives in this process alone: write spawnChild("name", { id, input }), which asks the backend',
  notBackend:
    'only what answers once can be asked of the backend: declare it with fromPromise; for time write after, for events from outside let somebody post them to /v1/chats/{id}/events',
  inlineActor:
    'an actor given in place has no name to ask the backend by: name it in setup({ actors }), and use that name',
  childId: 'write spawnChild("name", { id: "…" }): its answer is known by that id alone, also after a restart',
  systemId: 'a request belongs to one conversation: leave systemId out, and use the id',
  onSnapshot: 'the backend answers once, with onDone or onError: leave onSnapshot and syncSnapshot out',
  sendParent: 'a conversation has no parent: write emit({ type: "…" }), which operators see',
  sendChild: 'a request takes no events: write sendTo(({ system }) => system.get("backend"), { type: "…" })',
  sendSelf: 'write raise({ type: "…" }): it is taken in the same step',
  sendLater:
    'a delay is kept with what the conversation tells itself: write raise({ type: "…" }, { delay, id }), and sendTo when it comes',
  address:
    'a conversation writes to its own chat alone, and Switchboard says which: leave chat_id and inline_message_id out; to reach others, emit to operators, or ask the backend',
  sendNobody: 'write sendTo(({ system }) => system.get("backend"), { type: "…" }), or system.get("operators")',
} as const;

/**
 * Where JSON would lose something of a value, and what to write instead; null where it keeps everything. A field that is
 * undefined is as good as one that is not there.
 */
export function lossOf(value: unknown, path: string): string | null {
  const loss = lossBelow(value, 0);
  return loss === null ? null : path + loss;
}

/** The same without the path, which is put in front on the way back: nearly every value has no loss to tell. */
function lossBelow(value: unknown, depth: number): string | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : ` is ${value}: write null, or a text`;
    case 'object':
      if (value === null) return null;
      break;
    case 'function':
      return ' is a function: keep a name or a number, and decide by it in a guard';
    case 'bigint':
      return ' is a bigint: write it as a text';
    default:
      return ` is ${String(value)}: write null`;
  }
  if (depth >= limits.contextDepthMax) return ` is nested deeper than ${limits.contextDepthMax}: keep it flat`;
  if (Array.isArray(value)) {
    for (let n = 0; n < value.length; n += 1) {
      const loss = lossBelow(value[n], depth + 1);
      if (loss !== null) return `[${n}]${loss}`;
    }
    return null;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return ` is ${instanceText(value)}`;
  for (const [name, field] of Object.entries(value)) {
    const loss = field === undefined ? null : lossBelow(field, depth + 1);
    if (loss !== null) return `.${name}${loss}`;
  }
  return null;
}

/**
 * Freezes a value that JSON keeps, with all within it. Where `trust`, what is frozen is taken to be so through and
 * through: then a step costs what is new in it.
 */
export function freezeDeep(value: unknown, trust: boolean): void {
  if (typeof value !== 'object' || value === null || (trust && Object.isFrozen(value))) return;
  Object.freeze(value);
  for (const field of Object.values(value)) freezeDeep(field, trust);
}

function instanceText(value: object): string {
  if (value instanceof Date) return 'a Date: write its ISO text, toISOString()';
  if (value instanceof Map || value instanceof Set)
    return `a ${value.constructor.name}: write a plain object or an array`;
  const { name } = value.constructor;
  return `an instance of ${name || 'a class'}: write a plain object with its fields`;
}

/**
 * What a machine asks for, as JSON text. Throws NotDurable where JSON would lose something of it, naming where, and
 * RangeError where it is larger than limits.effectLengthMax.
 */
export function durableJson(value: unknown, path: string): string {
  const loss = lossOf(value, path);
  if (loss !== null) throw new NotDurable(loss);
  const text = JSON.stringify(value);
  if (text.length <= limits.effectLengthMax) return text;
  throw new RangeError(`${path}: ${text.length} characters, over ${limits.effectLengthMax}: say less, or in parts`);
}
