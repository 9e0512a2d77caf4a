import { parseArgs } from 'node:util';
import { errorText } from './errors.ts';

/** The command line was wrong: exit 2, like any wrong setting. */
export class UsageError extends Error {}

/** node:util's parseArgs. Throws UsageError. */
export const parse: typeof parseArgs = (config) => {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(errorText(error));
  }
};

/** A group's id begins with a minus, which parseArgs takes for an option unless it is joined on: `--chat=-5`. */
export const joinChatIds = (args: readonly string[], option: string): string[] =>
  args.length === 0
    ? []
    : args
        .join('\0')
        .replace(new RegExp(`(^|\\0)--${option}\\0(?=-\\d)`, 'g'), `$1--${option}=`)
        .split('\0');

/** Throws UsageError if there is anything behind a command that takes nothing. */
export function takesNothing(command: string, [first]: readonly string[]): void {
  if (first !== undefined) throw new UsageError(`${command} takes no arguments, not ${first}`);
}
