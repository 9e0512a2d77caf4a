import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * The process's log: one JSON object a line to `destination`, the process's stdout. (pino's own writer to a file
 * descriptor tries again for ever once the reader of a pipe has gone, and holds the process still.)
 *
 * I7: what could hold a secret or what a user wrote is cut out, even if a caller forgets: fields of such names, down
 * to the third level, and what a message or an error quotes.
 */
export function createLog(level: string, destination: { write(line: string): void }): Logger {
  const secret = [
    'token',
    'key',
    'secret',
    'authorization',
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
        log: (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, unquoted(value)])),
      },
      hooks: {
        logMethod([first, message, ...values], method) {
          method.apply(this, [unquoted(first), unquoted(message), ...values]);
        },
      },
      redact: { paths: secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[cut]' },
    },
    destination,
  );
}

/** Errors quote what they choked on: Telegram a tag of a text, a parser the beginning of its input. */
const unquoted = <T>(value: T): T | string => (typeof value === 'string' ? value.replace(/".*"/s, '"[cut]"') : value);
