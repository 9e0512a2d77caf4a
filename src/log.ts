import { type Logger, pino } from 'pino';
import { limits } from './limits.ts';

export type { Logger };

/**
 * The process's log: one JSON object a line to `destination`, the process's stdout. (pino's own writer to a file
 * descriptor tries again for ever once the reader of a pipe has gone, and holds the process still.)
 *
 * I7: what could hold a secret or what a user wrote is cut out, even if a caller forgets: fields of such names, down
 * to the third level, and in all texts what is quoted (`withoutQuotes`) and what looks like a secret (`withoutSecrets`).
 */
export function createLog(level: string, destination: { write(line: string): void }): Logger {
  const secret = [
    'token',
    'key',
    'secret',
    'password',
    'authorization',
    'cookie',
    'ticket',
    'file_name',
    'text',
    'caption',
    'phone_number',
    'params',
    'body',
    'update',
  ];
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label: string) => ({ level: label }),
        log: (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, cleaned(value)])),
      },
      hooks: {
        logMethod([first, message, ...values], method) {
          // pino keeps an error's stack and fields, which hold its text too.
          const shown = first instanceof Error ? textOf(first) : first;
          const text = (value: typeof shown) => (typeof value === 'string' ? redacted(value) : value);
          method.apply(this, [
            text(shown),
            message === undefined ? message : redacted(message),
            ...values.map((value) => cleaned(value)),
          ]);
        },
      },
      redact: { paths: secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[cut]' },
    },
    destination,
  );
}

const textOf = ({ name, message }: Error): string => `${name}: ${message}`;

/** A value without what no log may hold, in its own texts and those within. */
function cleaned(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redacted(value);
  if (value instanceof Error) return redacted(textOf(value));
  if (typeof value !== 'object' || value === null) return value;
  if (depth === limits.logDepthMax) return '[cut]';
  if (Array.isArray(value)) return value.map((item) => cleaned(item, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, cleaned(field, depth + 1)]));
}

const redacted = (text: string): string => withoutSecrets(withoutQuotes(text));

/** A double quote is one wherever it stands; another before, or behind, a letter may be an apostrophe. */
const OPENING = /"|(?<![\p{L}\p{N}])['`‘’“”„«»‹›]/u;
const CLOSING = /"|['`‘’“”«»‹›](?![\p{L}\p{N}])/gu;

/**
 * The text without what it quotes, from the first quote to the last, or to its end: Telegram quotes an address or a tag of
 * a text, a parser the beginning of its input, and all of them may have quotes in them.
 */
function withoutQuotes(text: string): string {
  const first = OPENING.exec(text)?.index;
  if (first === undefined) return text;
  const isWhole = text.length <= limits.logTextMax;
  const last = isWhole ? ([...text.matchAll(CLOSING)].at(-1)?.index ?? first) : first;
  return `${text.slice(0, first + 1)}[cut]${last > first ? text.slice(last) : ''}`;
}

/**
 * The text without what looks like a secret: bot tokens and keys, secrets of webhooks, user names and passwords in
 * addresses, and an address's path and query, which may be one. A page's address stays: `http://127.0.0.1:8080/sandbox`.
 */
export const withoutSecrets = (text: string): string =>
  text
    .slice(0, 2 * limits.logTextMax)
    .replace(/whsec_[\w+/=-]+/g, '[cut]')
    .replace(/\d{3,20}:[\w-]{16,}/g, '[cut]')
    .replace(/\+\d{8,15}/g, '[cut]')
    // With or without a scheme. The last @ before a space ends a password, which may hold what it should not. NAME is advice.
    .replace(/(?<=^|[\s("'`=:,/<])(?!NAME:PASSWORD@)[^\s/:@("'`<]{1,256}:(?!\/\/)\S{0,512}@/g, '[cut]@')
    .replace(/\/\/(?!NAME:PASSWORD@)[^\s/@]{1,512}@/g, '//[cut]@')
    .replace(/(\bhttps?:\/\/[^\s/?#"'`<>]*)([/?#][^\s"'`<>]*)/gi, (whole, origin: string, path: string) =>
      /^\/([a-z]{1,20}\/?)?$/.test(path) ? whole : `${origin}/[cut]`,
    )
    .slice(0, limits.logTextMax);
