import type { Bot, World } from './bots.ts';
import type { Params } from './params.ts';

/** One call of a Bot API method. */
export interface Call {
  readonly world: World;
  readonly bot: Bot;
  readonly params: Params;
  /** Aborts when the caller has left. */
  readonly gone: AbortSignal;
  /** Carries out another method: for what a webhook answers. */
  readonly call: (world: World, bot: Bot, name: string, params: Params, gone: AbortSignal) => Promise<string>;
}

/** Gives the `result`, or an Answer. Throws ApiError. */
export type Method = (call: Call) => unknown;

/** A whole answer, already encoded. */
export class Answer {
  readonly body: string;

  constructor(body: string) {
    this.body = body;
  }
}

/** `true` with Telegram's remark on it. */
export const remarked = (description: string): Answer =>
  new Answer(JSON.stringify({ ok: true, result: true, description }));
