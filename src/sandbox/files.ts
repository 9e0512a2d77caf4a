import { createHash } from 'node:crypto';
import { limits } from '../limits.ts';
import type { Upload } from './params.ts';

export type FileKind = 'photo' | 'document';

/** A file that a bot sent or received. */
export interface StoredFile {
  readonly fileId: string;
  readonly fileUniqueId: string;
  readonly kind: FileKind;
  readonly fileName: string;
  readonly mimeType: string;
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The files of all bots. A file_id is good for its own bot only. Beyond the bound the oldest files are forgotten. */
export interface FileStore {
  put(botId: number, kind: FileKind, upload: Upload): StoredFile;
  byId(botId: number, fileId: string): StoredFile | undefined;
  byPath(botId: number, path: string): StoredFile | undefined;
}

/** No files yet. Beyond limits.sandboxFilesBytesMax the oldest go; the newest stays, whatever its size. */
export function createFileStore(): FileStore {
  const byId = new Map<string, StoredFile>();
  const byPath = new Map<string, StoredFile>();
  let held = 0;
  let count = 0;

  const forgetOldest = (): void => {
    for (const [key, file] of byId) {
      if (held <= limits.sandboxFilesBytesMax || byId.size === 1) return;
      byId.delete(key);
      byPath.delete(`${key.split(' ')[0]} ${file.path}`);
      held -= file.bytes.length;
    }
  };

  return {
    put(botId, kind, upload) {
      const hash = createHash('sha256').update(upload.bytes).digest('base64url');
      const extension = /\.[A-Za-z0-9]{1,8}$/.exec(upload.fileName)?.[0] ?? (kind === 'photo' ? '.jpg' : '');
      const file: StoredFile = {
        fileId: `${kind === 'photo' ? 'AgAC' : 'BQAC'}${botId}_${count}_${hash.slice(0, 24)}`,
        fileUniqueId: `${kind === 'photo' ? 'AQAD' : 'AgAD'}${hash.slice(0, 11)}`,
        kind,
        fileName: upload.fileName,
        mimeType: upload.mimeType || 'application/octet-stream',
        path: `${kind}s/file_${count}${extension}`,
        bytes: upload.bytes,
      };
      count += 1;
      byId.set(`${botId} ${file.fileId}`, file);
      byPath.set(`${botId} ${file.path}`, file);
      held += file.bytes.length;
      forgetOldest();
      return file;
    },
    byId: (botId, fileId) => byId.get(`${botId} ${fileId}`),
    byPath: (botId, path) => byPath.get(`${botId} ${path}`),
  };
}
