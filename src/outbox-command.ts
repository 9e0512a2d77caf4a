import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Settings } from '../config/schema.ts';
import { releaseCopy } from './outbox/release.ts';
import { openServed } from './serving.ts';
import { parse, UsageError } from './usage.ts';

const Shown = Compile(Type.Object({ held_since: Type.Union([Type.String(), Type.Null()]), waiting: Type.Integer() }));
const Released = Compile(Type.Object({ canceled: Type.Integer() }));

/**
 * `switchboard outbox [release [--cancel]]`: shows whether messages are sent, or ends the hold of a restored copy. Prints a
 * JSON object. Returns the exit code.
 */
export async function outboxCommand(
  [action, ...rest]: readonly string[],
  settings: Settings,
  print: (line: string) => void,
): Promise<number> {
  if (action !== undefined && action !== 'release') throw new UsageError(`outbox takes release, not ${action}`);
  const { values } = parse({ args: rest, options: { cancel: { type: 'boolean', default: false } } });
  const { cancel } = values;
  const opened = openServed(settings, {
    name: 'switchboard outbox',
    served: ({ call }) => ({
      show: async () => Shown.Parse(await call('GET', '/v1/outbox')),
      release: async () => Released.Parse(await call('POST', '/v1/outbox/release', { cancel })),
    }),
    unserved: (journal, note) => ({
      async show() {
        const hold = journal.copyHold();
        const held_since = hold === null ? null : new Date(hold.since).toISOString();
        return { held_since, waiting: await journal.outboxDepth() };
      },
      async release() {
        const canceled = (await releaseCopy(journal, cancel)).length;
        note('outbox.released', null, { cancel });
        return { canceled };
      },
    }),
  });
  try {
    print(JSON.stringify(action === undefined ? await opened.use.show() : await opened.use.release()));
    return 0;
  } finally {
    await opened.close();
  }
}
