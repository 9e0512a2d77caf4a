import { randomBytes } from 'node:crypto';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Settings } from '../config/schema.ts';
import { systemClock } from './clock.ts';
import { isEventType } from './conversations/conversations.ts';
import { requireData } from './journal/data-folder.ts';
import { openDatabase } from './journal/sqlite-open.ts';
import { createKeyring } from './keys/keyring.ts';
import {
  isActiveAt,
  isCallbackUrl,
  type Key,
  type Keyring,
  keyView,
  type MadeKey,
  type NewKey,
  postsEveryEvent,
  ROLES,
  type Rotation,
  refusalOfNew,
  rightsOf,
  SCOPES,
} from './keys/keys.ts';
import { createSqliteKeyStore } from './keys/sqlite.ts';
import { limits } from './limits.ts';
import { cancelMessagesOf } from './outbox/cancel.ts';
import { type Note, noteOfCommand, openServed } from './serving.ts';
import { joinChatIds, parse, takesNothing, UsageError } from './usage.ts';

const Canceled = Compile(Type.Object({ canceled: Type.Integer() }));

/** What is done with the keys, and gives the lines to print. */
type Act = (keyring: Keyring, note: Note) => readonly object[] | Promise<readonly object[]>;

/**
 * `switchboard keys create|list|revoke|rotate`, also while a process serves the data folder. Prints a JSON object a line.
 * Returns the exit code.
 */
export async function keysCommand(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  warn: (line: string) => void,
): Promise<number> {
  const act = actOf(args, settings, warn);
  if (args[0] !== 'create') requireData(settings.data);
  const db = openDatabase(settings.data);
  const keyring = createKeyring({ store: createSqliteKeyStore(db), clock: systemClock, randomBytes });
  const note = noteOfCommand(db);
  try {
    for (const line of await act(keyring, note)) print(JSON.stringify(line));
    return 0;
  } finally {
    keyring.close();
    db.close();
  }
}

/** Throws UsageError before anything is opened or made. */
function actOf([action, ...rest]: readonly string[], settings: Settings, warn: (line: string) => void): Act {
  switch (action) {
    case 'create': {
      const wanted = newKey(rest);
      return (keyring, note) => [
        shownOnce(keyring.create(wanted, (made) => note('key.made', made.id, rightsOf(made)))),
      ];
    }
    case 'list':
      takesNothing('keys list', rest);
      return (keyring) => {
        const listed = keyring.list();
        hintAtEvents(listed, warn);
        return listed.map(keyView);
      };
    case 'revoke':
      return revoke(rest, settings);
    case 'rotate':
      return rotate(rest);
    default:
      throw new UsageError('keys takes create, list, revoke or rotate');
  }
}

const shownOnce = ({ key, text, callbackSecret }: MadeKey) => ({
  ...{ id: key.id, role: key.role, name: key.name, key: text },
  ...(callbackSecret === null ? {} : { callback_secret: callbackSecret }),
});

const noActive = (id: string) => new UsageError(`there is no active key ${id}: see switchboard keys list`);

function revoke(args: readonly string[], settings: Settings): Act {
  const options = { cancel: { type: 'boolean', default: false } } as const;
  const { values, positionals } = parse({ args: [...args], options, allowPositionals: true });
  const { cancel } = values;
  const id = onlyId('revoke', positionals);
  return async (keyring, note) => {
    const revoked = keyring.revoke(id, cancel, () => note('key.revoked', id));
    // One that was revoked before may still have something waiting.
    if (!revoked && !(cancel && keyring.isCanceled(id))) throw noActive(id);
    return [{ id, revoked: true, ...(cancel ? { canceled: await cancelWaiting(id, settings) } : {}) }];
  };
}

/** Cancels what a revoked key has waiting: the process that serves the data folder does it, or this one. */
async function cancelWaiting(id: string, settings: Settings): Promise<number> {
  const opened = openServed(settings, {
    name: 'switchboard keys',
    served:
      ({ call }) =>
      async () =>
        Canceled.Parse(await call('DELETE', `/v1/keys/${id}?cancel=1`)).canceled,
    unserved: (journal, note) => async () => {
      const canceled = (await cancelMessagesOf(journal, id)).length;
      note('messages.canceled', id, { canceled });
      return canceled;
    },
  });
  try {
    return await opened.use();
  } finally {
    await opened.close();
  }
}

function rotate(args: readonly string[]): Act {
  const { values, positionals } = parse({
    args: [...args],
    options: { overlap: { type: 'string' }, 'callback-secret': { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const id = onlyId('rotate', positionals);
  const wanted: Rotation = {
    overlapMs: values.overlap === undefined ? limits.keyOverlapDefaultMs : durationOf(values.overlap),
    newCallbackSecret: values['callback-secret'],
  };
  return (keyring, note) => {
    const made = keyring.rotate(id, wanted, () => note('key.rotated', id));
    if (made === null) throw noActive(id);
    return [{ ...shownOnce(made), old_secret_until: keyView(made.key).old_secret_until }];
  };
}

function onlyId(action: string, [id, ...more]: readonly string[]): string {
  if (id === undefined) throw new UsageError(`keys ${action} needs the ID of a key`);
  takesNothing(`keys ${action} ID`, more);
  return id;
}

const UNITS_MS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** ms of `30m`, `1h`, `7d` or `0`. */
function durationOf(text: string): number {
  const [, count = '', unit = 's'] = /^(?:(\d{1,6})([smhd])|0)$/.exec(text) ?? ['', 'x'];
  const ms = Number(count) * (UNITS_MS.get(unit) ?? 0);
  if (ms <= limits.keyOverlapMaxMs) return ms;
  const most = limits.keyOverlapMaxMs / 86_400_000;
  throw new UsageError(`--overlap ${text}: give a time up to ${most}d, as 30m, 1h, 7d, or 0 for at once`);
}

/** Says which active keys may post every event. */
function hintAtEvents(listed: readonly Key[], warn: (line: string) => void): void {
  const now = systemClock.now();
  const found = listed
    .filter((key) => isActiveAt(key, now) && postsEveryEvent(key))
    .map(({ id, name }) => `${id} (${name})`);
  if (found.length === 0) return;
  const named = found.slice(0, limits.keysHintedMax).join(', ');
  const more = found.length > limits.keysHintedMax ? ` and ${found.length - limits.keysHintedMax} more` : '';
  warn(
    `hint: these keys may post events of every type, payment.settled too: ${named}${more}. ` +
      'A key made with --event TYPE may post that type alone.',
  );
}

function newKey(args: string[]): NewKey {
  const { values } = parse({
    args: joinChatIds(args, 'chat'),
    options: {
      role: { type: 'string' },
      name: { type: 'string' },
      chat: { type: 'string', multiple: true },
      event: { type: 'string', multiple: true },
      scope: { type: 'string', multiple: true },
      expires: { type: 'string' },
      callback: { type: 'string' },
    },
  });
  const role = ROLES.find((known) => known === values.role);
  if (role === undefined) throw new UsageError(`--role must be one of ${ROLES.join(', ')}`);
  const { name, chat: chats = null } = values;
  if (name === undefined || name === '' || name.length > limits.keyNameLengthMax) {
    throw new UsageError(`--name must have 1 to ${limits.keyNameLengthMax} characters`);
  }
  const wrong = chats?.find((chat) => !/^-?[1-9]\d{0,15}$/.test(chat));
  if (wrong !== undefined) throw new UsageError(`--chat ${wrong}: a chat id is a whole number`);
  const { event: events = null } = values;
  const wrongEvent = events?.find((type) => !isEventType(type));
  if (wrongEvent !== undefined)
    throw new UsageError(`--event ${wrongEvent}: an event type is a dotted name such as payment.settled`);
  if (events !== null && events.length > limits.keyEventTypesMax)
    throw new UsageError(`--event: a key names ${limits.keyEventTypesMax} types at most`);
  const givenScopes = (values.scope ?? []).map((text) => {
    const scope = SCOPES.find((known) => known === text);
    if (scope === undefined) throw new UsageError(`--scope ${text}: there is no such scope`);
    return scope;
  });
  const expiresAt = values.expires === undefined ? null : Date.parse(values.expires);
  if (expiresAt !== null && !(expiresAt > systemClock.now())) {
    throw new UsageError(`--expires ${values.expires}: give a time to come, as 2030-01-01T00:00:00Z`);
  }
  const { callback = null } = values;
  if (callback !== null && !isCallbackUrl(callback)) {
    throw new UsageError('--callback takes an https address (http on this machine), without a password in it');
  }
  const wanted = { role, name, chats, givenScopes, events, expiresAt, callback };
  const refusal = refusalOfNew(wanted);
  if (refusal !== null) throw new UsageError(refusal.message);
  return wanted;
}
