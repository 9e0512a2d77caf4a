import { limits } from '../limits.ts';

/**
 * What goes wrong with the next calls of a method.
 * - `error`: Telegram refuses. Not carried out.
 * - `timeout`: no answer, the connection stays open. Not carried out.
 * - `reset`: the connection is cut at once. Not carried out.
 * - `lost_answer`: carried out; the connection is cut in place of the answer.
 * - `malformed`: not carried out; answers 200 with `body`, which is no JSON unless given.
 * - `slow`: carried out; the answer comes `delayMs` later.
 */
export const FAULT_KINDS = ['error', 'timeout', 'reset', 'lost_answer', 'malformed', 'slow'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** A method's name in any case, or `*`. */
  readonly method: string;
  readonly kind: FaultKind;
  readonly errorCode: number;
  readonly description: string | undefined;
  readonly retryAfterS: number | undefined;
  /** Only calls with this chat_id. */
  readonly chatId: string | undefined;
  readonly delayMs: number;
  readonly body: string;
  /** Calls that it still spoils. */
  timesLeft: number;
}

/** A bot's faults, the oldest first; each spoils as many calls as it says, then it is gone. */
export interface FaultList {
  add(fault: Fault): boolean;
  /** The fault that spoils this call, counted down. */
  take(method: string, chatId: string): Fault | undefined;
  all(): readonly Fault[];
  clear(): void;
}

/** No faults yet. At limits.sandboxFaultsMax another one is refused. */
export function createFaultList(): FaultList {
  let faults: Fault[] = [];
  return {
    /** False at the bound: the fault is refused. */
    add(fault) {
      if (faults.length >= limits.sandboxFaultsMax) return false;
      faults.push(fault);
      return true;
    },
    take(method, chatId) {
      if (faults.length === 0) return undefined;
      const fault = faults.find(
        (f) =>
          (f.method === '*' || f.method.toLowerCase() === method) && (f.chatId === undefined || f.chatId === chatId),
      );
      if (fault === undefined) return undefined;
      fault.timesLeft -= 1;
      if (fault.timesLeft <= 0) faults = faults.filter((f) => f !== fault);
      return fault;
    },
    all: () => faults,
    clear() {
      faults = [];
    },
  };
}
