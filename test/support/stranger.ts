import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const NOBODY = 65_534;
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

/**
 * For a process that must not have a privilege over our files: root runs it as somebody else, anybody else as themselves.
 * Null if root's checkout is in a folder that nobody else may enter.
 */
export function asStranger(): { readonly uid?: number } | null {
  if (process.getuid?.() !== 0) return {};
  return spawnSync('/bin/sh', ['-c', 'test -r "$0"', CLI], { uid: NOBODY }).status === 0 ? { uid: NOBODY } : null;
}
