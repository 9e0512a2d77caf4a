import type { Scope } from '../keys/keys.ts';
import { WRITE_METHODS } from '../telegram/methods.ts';

/** A method of the Bot API that keys may call. */
export interface FacadeMethod {
  /** As Telegram writes it: callers may write it in any case, as at Telegram. */
  readonly name: string;
  /** What a key needs; null: any key may. */
  readonly scope: Scope | null;
}

/**
 * Every client asks getMe before anything else, whatever it is for: it tells no more than the bot's profile. Clients
 * that poll begin with deleteWebhook.
 */
const READ: readonly FacadeMethod[] = [
  { name: 'getMe', scope: null },
  ...['getUpdates', 'getChat', 'getFile', 'deleteWebhook'].map((name) => ({ name, scope: 'read' as const })),
];

const METHODS = new Map(
  [...READ, ...Object.keys(WRITE_METHODS).map((name) => ({ name, scope: 'write' as const }))].map((method) => [
    method.name.toLowerCase(),
    method,
  ]),
);

/** The method of this name; null where no key may call it. */
export const facadeMethod = (name: string): FacadeMethod | null => METHODS.get(name.toLowerCase()) ?? null;
