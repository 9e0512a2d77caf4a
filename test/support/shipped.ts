import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The command as it is shipped. */
export const COMMAND = join(import.meta.dirname, '..', '..', 'src', 'bin', 'switchboard');

/** Node's flags that the command gives. */
export function shippedFlags(): string[] {
  const script = readFileSync(COMMAND, 'utf8');
  return script
    .slice(script.indexOf('exec node'))
    .split(/\s+/)
    .filter((word) => word.startsWith('--'));
}
