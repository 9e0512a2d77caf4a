import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';

const CLIENT = join(import.meta.dirname, '..', 'client', 'client.ts');
const IMPORT = /^import [^'"]*'(\.[^']*)';$/gm;
const EXPORT_FROM = /^export \{([^}]*)\} from '[^']*';$/gm;

/**
 * The operators' client as one JavaScript module that imports nothing, for programs that are not in this repository:
 * Node strips no types from what is installed as a package, and a browser from nothing. Its files stand behind one
 * another, each after those that it imports; their names must differ.
 */
export function clientModule(): string {
  const texts: string[] = [];
  const seen = new Set<string>();
  const add = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = stripTypeScriptTypes(readFileSync(file, 'utf8'));
    for (const [, path = ''] of text.matchAll(IMPORT)) add(join(dirname(file), path));
    const body = text.replace(IMPORT, '').replace(EXPORT_FROM, 'export {$1};');
    texts.push(file === CLIENT ? body : body.replace(/^export (?=const|function|async|class)/gm, ''));
  };
  add(CLIENT);
  // Where types were, there are spaces.
  return texts
    .join('\n')
    .replace(/[ \t]+$/gm, '')
    .replace(/\n{3,}/g, '\n\n')
    .trimStart();
}
