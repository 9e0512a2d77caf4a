import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Params } from './rules.ts';

/**
 * Buttons of conversations. What a machine gives a button as `callback_data` stays in the journal; the button itself carries a
 * token, made for that button of that message, which nobody can guess. No key can post data that begins as a token does.
 */
const PREFIX = 'sb~';
/** Bytes of the token's proof, of 32: nobody guesses 128 bits. With the prefix and two numbers it fits Telegram's 64 bytes. */
const PROOF_BYTES = 16;

/** Where a token comes from: the seq of the message, and which of its buttons it is, from 0. */
export interface Token {
  readonly seq: number;
  readonly n: number;
}

/** Whether data begins as a token does, also where a client would not show what stands before it. */
export const isReserved = (data: string): boolean => data.replace(/[\s\p{C}]/gu, '').startsWith(PREFIX);

/** Signs and reads tokens. `secret`: the journal's own. */
export function createTokens(secret: string, bot: string) {
  const proofOf = ({ seq, n }: Token): Buffer =>
    createHmac('sha256', secret).update(`${bot}.${seq}.${n}`).digest().subarray(0, PROOF_BYTES);
  return {
    textOf: (token: Token): string =>
      `${PREFIX}${token.seq.toString(36)}.${token.n.toString(36)}.${proofOf(token).toString('base64url')}`,
    /** Null where it is none, or was not made with this secret. */
    read(text: string): Token | null {
      const [, seq, n, proof] = /^sb~([0-9a-z]{1,11})\.([0-9a-z]{1,3})\.([\w-]{22})$/.exec(text) ?? [];
      if (seq === undefined || n === undefined || proof === undefined) return null;
      const token = { seq: Number.parseInt(seq, 36), n: Number.parseInt(n, 36) };
      const given = Buffer.from(proof, 'base64url');
      return given.length === PROOF_BYTES && timingSafeEqual(given, proofOf(token)) ? token : null;
    },
  };
}
export type Tokens = ReturnType<typeof createTokens>;

type Button = Readonly<Record<string, unknown>>;

/** A call's parameters with other data in its buttons, as `change` gives them. Buttons without data count for nothing. */
export function withButtonData(params: Params, change: (n: number) => string): Params {
  const markup = markupOf(params);
  if (markup === null) return params;
  let n = 0;
  const rows = markup.rows.map((row) =>
    row.map((button) => ('callback_data' in button ? { ...button, callback_data: change(n++) } : button)),
  );
  return n === 0 ? params : { ...params, reply_markup: { ...markup.fields, inline_keyboard: rows } };
}

/** The data of a call's buttons, in their order. */
export function buttonData(params: Params): string[] {
  const buttons = markupOf(params)?.rows.flat() ?? [];
  return buttons.filter((button) => 'callback_data' in button).map(({ callback_data: data }) => String(data));
}

/** Null where there is no inline keyboard. Telegram takes it as a text of JSON too. */
function markupOf({ reply_markup: given }: Params): { readonly fields: Params; readonly rows: Button[][] } | null {
  const markup = typeof given === 'string' ? parsed(given) : given;
  if (typeof markup !== 'object' || markup === null || !('inline_keyboard' in markup)) return null;
  const rows = markup.inline_keyboard;
  if (!Array.isArray(rows)) return null;
  return { fields: { ...markup }, rows: rows.map((row) => (Array.isArray(row) ? row.map((one) => Object(one)) : [])) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
