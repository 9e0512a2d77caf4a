import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The command as it is shipped. */
export const COMMAND = join(import.meta.dirname, '..', '..', 'src', 'bin', 'switchboard');

/** Node's flags that the command gives. */
export function shippedFlags(): string[] {
  const [, flags = ''] = /^flags='([^']*)'$/m.exec(readFileSync(COMMAND, 'utf8')) ?? [];
  return flags.split(/\s+/);
}
