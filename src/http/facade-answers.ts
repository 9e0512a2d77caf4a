import type { FastifyReply } from 'fastify';
import { limits } from '../limits.ts';
import type { Delivered } from '../outbox/outbox.ts';
import { GatewayRefused, TelegramRefused, TelegramUnreachable } from '../telegram/errors.ts';
import { problemOf } from './problems.ts';

/** Telegram's form of an error (core.telegram.org/bots/api#making-requests). */
export interface TelegramError {
  readonly ok: false;
  readonly error_code: number;
  readonly description: string;
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number };
}

/** `unexpected`: nobody foresaw it, so that it belongs in the log. */
export interface TelegramErrorAnswer {
  readonly error: TelegramError;
  readonly unexpected: boolean;
}

/** The words that Telegram's own descriptions begin with. */
const WORDS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  424: 'Failed Dependency',
  502: 'Bad Gateway',
};

/** The answer to anything thrown, in Telegram's form. What nobody foresaw tells nothing of what is inside. */
export function telegramErrorOf(error: unknown): TelegramErrorAnswer {
  if (error instanceof TelegramRefused) return { error: passedOn(error), unexpected: false };
  if (error instanceof GatewayRefused && error.retryAfterMs !== undefined) {
    return { error: tooMany(Math.max(1, Math.ceil(error.retryAfterMs / 1000))), unexpected: false };
  }
  if (error instanceof TelegramUnreachable) return { error: plain(502), unexpected: false };
  const { problem, retryAfterS, unexpected } = problemOf(error);
  if (unexpected) return { error: { ok: false, error_code: 500, description: 'Internal Server Error' }, unexpected };
  // "Come back later" has one form at Telegram, and clients wait by it.
  if (retryAfterS !== null) return { error: tooMany(retryAfterS), unexpected };
  if (problem.status === 401) return { error: plain(401), unexpected };
  // 403 is Telegram's for a user who has blocked the bot: what a key may not do is 400.
  const isRefusal = problem.status === 422 || problem.status === 403;
  return { error: plain(isRefusal ? 400 : problem.status, problem.detail), unexpected };
}

/** An error in words of our own, behind those that Telegram begins with. */
export function plain(code: number, detail?: string): TelegramError {
  const words = WORDS[code] ?? 'Internal Server Error';
  return { ok: false, error_code: code, description: detail === undefined ? words : `${words}: ${detail}` };
}

/** Telegram's answer to who shall come back later. */
export const tooMany = (retryAfterS: number): TelegramError => ({
  ok: false,
  error_code: 429,
  description: `Too Many Requests: retry after ${retryAfterS}`,
  parameters: { retry_after: retryAfterS },
});

/** What Telegram said. That it refuses the bot's own token is no fault of the caller's key. */
function passedOn({ errorCode, description, retryAfterMs, migrateToChat }: TelegramRefused): TelegramError {
  if (errorCode === 401) return plain(502);
  const parameters = {
    ...(retryAfterMs === undefined ? {} : { retry_after: Math.ceil(retryAfterMs / 1000) }),
    ...(migrateToChat === undefined ? {} : { migrate_to_chat_id: Number(migrateToChat) }),
  };
  const error = { ok: false as const, error_code: errorCode, description };
  return Object.keys(parameters).length === 0 ? error : { ...error, parameters };
}

/**
 * A write that has no result of Telegram's. What was taken back, or not sent in time, may be tried again: 429, as
 * Telegram asks to wait. What may have been carried out has a code that no client tries again by itself (I5).
 */
export function fateError(delivered: Exclude<Delivered, { kind: 'result' }>): TelegramError {
  if (delivered.kind === 'withdrawn' || delivered.message.status === 'expired') {
    return tooMany(Math.ceil(limits.outboxFullRetryMs / 1000));
  }
  const { status, error } = delivered.message;
  const told: { code?: unknown; description?: unknown } = error === null ? {} : JSON.parse(error);
  const { code, description } = told;
  if (status === 'failed' && typeof code === 'number' && code >= 400 && typeof description === 'string') {
    return { ok: false, error_code: code, description };
  }
  if (status === 'failed' && typeof description === 'string') return plain(400, description);
  if (status === 'failed' || status === 'canceled') return plain(400, `the message ${status}`);
  return plain(424, "Telegram's answer was lost: the message may have been sent");
}

/** Answers with an error. */
export function sendTelegramError(reply: FastifyReply, error: TelegramError): FastifyReply {
  const retryAfterS = error.parameters?.retry_after;
  if (retryAfterS !== undefined) reply.header('retry-after', String(retryAfterS));
  return reply.code(error.error_code).type(ANSWER_TYPE).send(JSON.stringify(error));
}

export const ANSWER_TYPE = 'application/json; charset=utf-8';
