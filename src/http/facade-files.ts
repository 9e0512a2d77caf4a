import type { FastifyReply } from 'fastify';
import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import type { HttpParts } from './app.ts';
import { createPlaces } from './places.ts';

/**
 * Files through a key. A path can be guessed, unlike a file_id: a key that is restricted to chats downloads only what
 * getFile has given it within the life of this process (I7).
 */
export function createFileDoor({ files }: Pick<HttpParts, 'files'>) {
  const downloads = createPlaces({
    ...{ perKeyMax: limits.facadeDownloadsPerKeyMax, max: limits.facadeDownloadsMax, of: 'downloads under way' },
    ...{ code: 'too_many_answers', retryAfterMs: limits.facadeBusyRetryMs },
  });
  const given = new Map<string, Set<string>>();

  return {
    /** Takes note of what getFile answered to a key. */
    note({ id, chats }: Key, file: unknown): void {
      const path = typeof file === 'object' && file !== null && 'file_path' in file ? file.file_path : null;
      if (chats === null || typeof path !== 'string') return;
      const paths = given.get(id) ?? new Set();
      // Again: it is the newest now.
      paths.delete(path);
      paths.add(path);
      const [oldest] = paths;
      if (paths.size > limits.facadePathsMax && oldest !== undefined) paths.delete(oldest);
      given.set(id, paths);
    },
    /** The key has ended: its downloads do too. */
    forget(keyId: string): void {
      given.delete(keyId);
      downloads.cut(keyId);
    },
    /** Streams a file as fast as the caller takes it. Throws not_found, too_many_answers, overloaded, and what `files.open` throws. */
    async send(key: Key, path: string, reply: FastifyReply, gone: AbortSignal): Promise<void> {
      if (key.chats !== null && given.get(key.id)?.has(path) !== true) {
        throw new SwitchboardError('not_found', 'getFile has given no such path to this key');
      }
      downloads.take(key, reply.raw);
      const { stream, length } = await files.open(path, gone);
      if (length !== null) reply.header('content-length', length);
      // Whatever a user uploaded must not become a page of this origin.
      reply.header('content-disposition', 'attachment').header('x-content-type-options', 'nosniff');
      reply.type('application/octet-stream').send(stream);
    },
  };
}
