import type { Script } from './script.ts';

/**
 * The shortest script that still fails, by leaving steps out (delta debugging: halves first, then ever smaller parts).
 * What is left needs every one of its steps.
 */
export async function shrink(script: Script, fails: (script: Script) => Promise<boolean>): Promise<Script> {
  let { ops } = script;
  for (let size = Math.ceil(ops.length / 2); size >= 1; ) {
    let shorter = false;
    for (let at = 0; at < ops.length; ) {
      const without = ops.toSpliced(at, size);
      if (await fails({ ...script, ops: without })) {
        ops = without;
        shorter = true;
      } else at += size;
    }
    // With single steps gone others may have become needless.
    if (size > 1) size = Math.ceil(size / 2);
    else if (!shorter) break;
  }
  return { ...script, ops };
}
