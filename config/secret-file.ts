import { closeSync, openSync, readSync } from 'node:fs';
import { limits } from '../src/limits.ts';
import { withoutMark } from '../src/network.ts';

/**
 * The secret that a file holds: its content without a byte order mark and without the line break at its end. Throws an Error whose text says what is wrong
 * with the file, and repeats nothing of it.
 */
export function readSecretFile(path: string): string {
  const text = withoutMark(readBounded(path).toString('utf8')).replace(/\r?\n$/, '');
  if (text === '') throw new Error(`the file ${path} is empty: write the secret into it`);
  return text;
}

/** A device or a pipe has no size to ask for: reading ends at the bound. */
function readBounded(path: string): Buffer {
  const bytes = Buffer.alloc(limits.secretFileBytesMax + 1);
  let length = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0 && length < bytes.length; length += read)
        read = readSync(file, bytes, length, bytes.length - length, null);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`the file ${path} cannot be read (${code}): check the path, and that this user may read it`);
  }
  if (length === bytes.length) {
    throw new Error(`the file ${path} is longer than ${limits.secretFileBytesMax} bytes: is it the right one?`);
  }
  return bytes.subarray(0, length);
}
