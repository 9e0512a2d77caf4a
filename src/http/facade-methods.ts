import { isPerson, type Key, mayAccess, type Scope } from '../keys/keys.ts';
import { MODERATING_METHODS, WRITE_METHODS } from '../telegram/methods.ts';

/** A method of the Bot API that keys may call. */
export interface FacadeMethod {
  /** As Telegram writes it: callers may write it in any case, as at Telegram. */
  readonly name: string;
  /** What a key needs; null: any key may that uses the façade. */
  readonly scope: Scope | null;
}

const needing = (scope: Scope, names: readonly string[]): FacadeMethod[] => names.map((name) => ({ name, scope }));

/**
 * Every client asks getMe before anything else, whatever it is for: it tells no more than the bot's profile. Clients
 * that poll begin with deleteWebhook.
 */
const READ: readonly FacadeMethod[] = [
  { name: 'getMe', scope: null },
  ...needing('read', ['getUpdates', 'getChat', 'getFile', 'deleteWebhook']),
];

const METHODS = new Map(
  [...READ, ...needing('write', Object.keys(WRITE_METHODS)), ...needing('moderate', MODERATING_METHODS)].map(
    (method) => [method.name.toLowerCase(), method],
  ),
);

/** The Bot API is for programs that read or write: people have the console, and a key for metrics has nothing else. */
export const mayUseFacade = (key: Key): boolean =>
  !isPerson(key) && (mayAccess(key, 'read') || mayAccess(key, 'write'));

/** The method of this name; null where no key may call it. */
export const facadeMethod = (name: string): FacadeMethod | null => METHODS.get(name.toLowerCase()) ?? null;
