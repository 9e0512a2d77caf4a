import { join } from 'node:path';
import { importMachine } from '../../src/conversations/files.ts';
import { errorText } from '../../src/errors.ts';
import { findingsOf } from './rules.ts';

/** What is wrong with a file in a folder of machines, a sentence each. One that cannot be loaded has that one finding. */
export async function findingsIn(folder: string, file: string): Promise<readonly string[]> {
  try {
    const { machine } = await importMachine(join(folder, file), `machines/${file}`);
    return findingsOf(file.replace(/(@.*)?\.machine\.ts$/, ''), machine);
  } catch (error) {
    return [errorText(error)];
  }
}
