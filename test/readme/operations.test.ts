import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/journal.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'operations.md'), 'utf8');

/** The text of the page's block in this language. */
const blockOf = (language: string): string => page.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';

test('the Dockerfile copies what npm ci needs before it runs, and then all that the command needs', () => {
  const image = temporaryFolder();
  const [before = '', after = ''] = blockOf('dockerfile').split('RUN npm ci');
  const copy = (part: string): void => {
    for (const [, from = ''] of part.matchAll(/^COPY (.+) \S+$/gm)) {
      for (const path of from.split(' ')) cpSync(join(ROOT, path), join(image, path), { recursive: true });
    }
  };
  copy(before);
  const { workspaces }: { workspaces: string[] } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const file of ['package-lock.json', ...workspaces.map((folder) => join(folder, 'package.json'))])
    expect(existsSync(join(image, file)), file).toBe(true);
  copy(after);
  symlinkSync(join(ROOT, 'node_modules'), join(image, 'node_modules'));
  const help = execFileSync(join(image, 'src', 'bin', 'switchboard'), ['--help'], { encoding: 'utf8' });
  expect(help).toContain('usage: switchboard <command>');
});
