import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { importMachine } from './files.ts';

/** A machine to be looked at, and the text of its file; null: it has none of its own. */
export interface InspectedMachine {
  readonly name: string;
  readonly machine: AnyStateMachine;
  readonly source: string | null;
}

/**
 * Every machine of the folders, `<name>.machine.ts`, whether a chat runs it or not; where two have one name, the first
 * folder's. A file that cannot be read is told and left out: no chat runs it, or the start would have failed.
 */
export async function loadInspected(
  folders: readonly string[],
  onUnreadable: (file: string, error: unknown) => void,
): Promise<InspectedMachine[]> {
  const found = new Map<string, InspectedMachine>();
  for (const folder of folders) {
    for (const file of readdirSync(folder).filter((other) => other.endsWith('.machine.ts'))) {
      const name = file.slice(0, -'.machine.ts'.length);
      if (found.has(name)) continue;
      try {
        const { machine } = await importMachine(join(folder, file), file);
        found.set(name, { name, machine, source: readFileSync(join(folder, file), 'utf8') });
      } catch (error) {
        onUnreadable(file, error);
      }
    }
  }
  return [...found.values()];
}
