import { type Logger, pino } from 'pino';

export type { Logger };

/**
 * The process's log: one JSON object a line to `destination`, the process's stdout. (pino's own writer to a file
 * descriptor tries again for ever once the reader of a pipe has gone, and holds the process still.) I7: what could hold a secret or what a user wrote is cut out,
 * wherever it stands, even if a caller forgets.
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
      formatters: { level: (label: string) => ({ level: label }) },
      redact: { paths: secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[cut]' },
    },
    destination,
  );
}
