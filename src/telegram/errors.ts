import { Type } from 'typebox';

/** Telegram answered `ok: false`. The call was not carried out. */
export class TelegramRefused extends Error {
  readonly errorCode: number;
  readonly description: string;
  /** Wait this long before the same call, as Telegram said (429). */
  readonly retryAfterMs: number | undefined;
  /** The group is a supergroup now, with this id. */
  readonly migrateToChat: string | undefined;

  constructor(method: string, answer: RefusalAnswer) {
    super(`Telegram refused ${method}: ${answer.error_code} ${answer.description}`);
    this.name = 'TelegramRefused';
    this.errorCode = answer.error_code;
    this.description = answer.description;
    const retryAfterS = answer.parameters?.retry_after;
    this.retryAfterMs = retryAfterS === undefined ? undefined : retryAfterS * 1000;
    this.migrateToChat = answer.parameters?.migrate_to_chat_id?.toString();
  }
}

/** No answer of Telegram's. `left` tells whether the request may have reached Telegram. */
export class TelegramUnreachable extends Error {
  /** False only if Telegram certainly did not get the request: it may be sent again without a double. */
  readonly left: boolean;

  constructor(method: string, why: string, left: boolean, cause?: unknown) {
    super(`No answer from Telegram to ${method}: ${why}`, { cause });
    this.name = 'TelegramUnreachable';
    this.left = left;
  }
}

/** The answer has more than limits.botApiAnswerBytesMax bytes: it was dropped while it came. */
export class AnswerTooLarge extends TelegramUnreachable {
  /** How it begins. */
  readonly head: string;

  constructor(method: string, why: string, head: string, cause: unknown) {
    super(method, why, true, cause);
    this.name = 'AnswerTooLarge';
    this.head = head;
  }
}

export interface GatewayRefusal {
  /** The next try of the same call would end alike. */
  readonly terminal: boolean;
  /** How long the gateway asked to wait, at most limits.gatewayWaitMaxMs. */
  readonly retryAfterMs: number | undefined;
}

/** Something between here and Telegram refused the call, and did not pass it on (outcome.ts). */
export class GatewayRefused extends TelegramUnreachable {
  readonly terminal: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(method: string, why: string, { terminal, retryAfterMs }: GatewayRefusal) {
    super(method, why, false);
    this.name = 'GatewayRefused';
    this.terminal = terminal;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The call cannot be put together, now or later: nothing of it has left. */
export class CallImpossible extends Error {
  constructor(method: string, why: string, cause?: unknown) {
    super(`${method} cannot be called: ${why}`, { cause });
    this.name = 'CallImpossible';
  }
}

export interface RefusalAnswer {
  readonly error_code: number;
  readonly description: string;
  readonly parameters?: { readonly retry_after?: number; readonly migrate_to_chat_id?: number };
}

/** The Bot API's envelope (core.telegram.org/bots/api#making-requests). Fields not named here may come too. */
export const AnswerSchema = Type.Union([
  Type.Object({ ok: Type.Literal(true), result: Type.Unknown() }),
  Type.Object({
    ok: Type.Literal(false),
    error_code: Type.Integer(),
    description: Type.String(),
    parameters: Type.Optional(
      Type.Object({ retry_after: Type.Optional(Type.Number()), migrate_to_chat_id: Type.Optional(Type.Number()) }),
    ),
  }),
]);
