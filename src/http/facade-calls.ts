import { type Key, mayAccess } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { TelegramUnreachable } from '../telegram/errors.ts';
import { UPDATE_KINDS } from '../telegram/telegram.ts';
import type { HttpParts } from './app.ts';
import { posterOf, requireChat } from './auth.ts';
import { fateError, plain, type TelegramError } from './facade-answers.ts';
import { facadeMethod } from './facade-methods.ts';
import { ownContent, withoutNamedProfiles } from './facade-own-content.ts';
import { flagOf, type Given, integerOf, listOf, type Params } from './facade-params.ts';
import { createShares } from './places.ts';

/** One call of a key. */
export interface FacadeCall {
  readonly key: Key;
  readonly method: string;
  /** Reads what came with it. */
  readonly read: () => Promise<Given>;
  /** Takes a place for an answer of many entries. */
  readonly hold: () => void;
  /** Aborted once the caller has gone. */
  readonly gone: AbortSignal;
  /** Aborted once the key has ended. */
  readonly ended: AbortSignal;
  /** Aborted once a secret of the key has ended: the caller may have come in by that. */
  readonly secretEnded: AbortSignal;
}

export interface FacadeCallsOptions
  extends Pick<HttpParts, 'updates' | 'deliveries' | 'uploads' | 'api' | 'clock' | 'closing' | 'postRate'> {
  /** A key was given this file, as getFile answers it. */
  readonly onFile: (key: Key, file: unknown) => void;
}

const KINDS: readonly string[] = UPDATE_KINDS;
/** Telegram's own answer to a bot that has no webhook: nor has a key. */
const NO_WEBHOOK = '{"ok":true,"result":true,"description":"Webhook is already deleted"}';

/** Carries out the Bot API's methods for keys. Gives the answer's JSON, or the error; throws what no one method knows of. */
export function createFacadeCalls(options: FacadeCallsOptions) {
  const { updates, deliveries, uploads, api, clock, postRate, closing, onFile } = options;
  /** Calls passed on to Telegram that have no answer yet. */
  const passedOn = createShares({
    ...{ perKeyMax: limits.facadeCallsPerKeyMax, max: limits.facadeCallsMax, of: 'calls under way' },
    ...{ code: 'too_many_answers', retryAfterMs: limits.facadeBusyRetryMs },
  });

  return async (called: FacadeCall): Promise<string | TelegramError> => {
    const { key, method: name, read, hold } = called;
    if (name === '') return plain(404);
    const method = facadeMethod(name);
    // Clients take 403 for a user who has blocked the bot, and 404 for a server that is none: a refusal is 400.
    if (method === null) return plain(400, 'this method is not for keys');
    if (method.scope !== null && !mayAccess(key, method.scope)) {
      return plain(400, `a key of the role ${key.role} may not call ${method.name}`);
    }
    // Before what came with it is read: beyond the key's share it would be read in vain.
    if (method.scope === 'write' || method.scope === 'moderate') postRate.take(key, 1);
    const { params, files } = await read();
    if (called.ended.aborted) {
      await uploads.discard(files);
      return plain(401);
    }
    if (method.scope === 'write') return write(called, method.name, { params, files });
    await uploads.discard(files);
    if (method.scope === 'moderate') return moderate(key, method.name, params);
    switch (method.name) {
      case 'getUpdates':
        hold();
        return `{"ok":true,"result":[${(await poll(called, params)).join(',')}]}`;
      case 'deleteWebhook':
        if (flagOf(params.drop_pending_updates)) await updates.dropPending(key.id);
        return NO_WEBHOOK;
      case 'getMe':
        return passOn(key, 'getMe', {});
      case 'getChat': {
        const { chat_id: chat } = params;
        requireChat(key, chatIn(params));
        return passOn(key, 'getChat', { chat_id: chat });
      }
      default:
        return passOn(key, 'getFile', { file_id: params.file_id }, (file) => onFile(key, file));
    }
  };

  function poll({ key, gone, secretEnded }: FacadeCall, params: Params): Promise<readonly string[]> {
    const allowed = listOf(params.allowed_updates);
    return updates.poll({
      keyId: key.id,
      chats: key.chats,
      offset: integerOf(params.offset, 0, -(2 ** 31), 2 ** 53),
      limit: integerOf(params.limit, limits.facadeUpdatesMax, 1, limits.facadeUpdatesMax),
      timeoutMs: integerOf(params.timeout, 0, 0, limits.facadePollTimeoutMaxS) * 1000,
      allowed: allowed?.map((kind) => kind.toLowerCase()).filter((kind) => KINDS.includes(kind)) ?? null,
      signal: AbortSignal.any([gone, closing, secretEnded]),
    });
  }

  async function write(
    { key, gone, ended }: FacadeCall,
    method: string,
    { params, files }: Given,
  ): Promise<string | TelegramError> {
    // No parameter of Telegram's: nor is it one here.
    const { delivery: _, ...call } = params;
    const waitMs = limits.facadeWriteWaitMs;
    // Who takes it back where its caller has gone may itself be gone by then: a crash leaves the message there.
    const delivery = { expires_at: new Date(clock.now() + waitMs).toISOString() };
    const post = { ...posterOf(key), idempotencyKey: null, body: { ...call, method, delivery }, files };
    const nobody = AbortSignal.any([gone, ended]);
    const stop = AbortSignal.any([nobody, closing]);
    const delivered = await deliveries.deliver(post, { waitMs, stop, gone: nobody });
    if (ended.aborted) return plain(401);
    if (delivered.kind !== 'result') return fateError(delivered);
    if (post.mayRead && key.chats === null) return resultOf(delivered.result);
    const visible = post.mayRead ? withoutNamedProfiles : ownContent;
    return resultOf(JSON.stringify(visible(JSON.parse(delivered.result))));
  }

  /** Passes on a call that changes a chat or its members. Nothing of it is kept: a crash of Switchboard loses its answer. */
  async function moderate(key: Key, method: string, params: Params): Promise<string | TelegramError> {
    requireChat(key, chatIn(params));
    try {
      return await passOn(key, method, params);
    } catch (error) {
      // Clients try again by themselves after 5xx: that is for what certainly was not carried out.
      if (error instanceof TelegramUnreachable && error.left) return plain(424, LOST);
      throw error;
    }
  }

  /** Passes a call on to Telegram, which answers. */
  async function passOn(
    { id }: Key,
    method: string,
    params: Params,
    onResult = (_result: unknown): void => {},
  ): Promise<string> {
    const leave = passedOn.enter(id);
    try {
      const result = await api.call(method, params, { signal: closing });
      onResult(result);
      return resultOf(JSON.stringify(result));
    } finally {
      leave();
    }
  }
}

const LOST = "Telegram's answer was lost: the call may have been carried out";

/** The chat that a call names; null: none. */
const chatIn = ({ chat_id: chat }: Params): string | null =>
  typeof chat === 'number' || typeof chat === 'string' ? String(chat) : null;

const resultOf = (json: string): string => `{"ok":true,"result":${json}}`;
