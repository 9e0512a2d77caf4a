import { limits } from '../limits.ts';
import type { Upload } from './form.ts';

/** What Telegram keeps apart: a file_id of one kind is none of another. `named`: as Telegram's errors call it. */
export const FILE_KINDS = {
  photo: { prefix: 'AgAC', unique: 'AQAD', folder: 'photos', extension: '.jpg', named: 'Photo' },
  document: { prefix: 'BQAC', unique: 'AgAD', folder: 'documents', extension: '', named: 'Document' },
  video: { prefix: 'BAAC', unique: 'AgAD', folder: 'videos', extension: '.mp4', named: 'Video' },
  audio: { prefix: 'CQAC', unique: 'AgAD', folder: 'music', extension: '.mp3', named: 'Audio' },
  voice: { prefix: 'AwAC', unique: 'AgAD', folder: 'voice', extension: '.oga', named: 'VoiceNote' },
  animation: { prefix: 'CgAC', unique: 'AgAD', folder: 'animations', extension: '.mp4', named: 'Animation' },
  sticker: { prefix: 'CAAC', unique: 'AgAD', folder: 'stickers', extension: '.webp', named: 'Sticker' },
} as const;
export type FileKind = keyof typeof FILE_KINDS;

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
      const { sha256: hash } = upload;
      const { prefix, unique, folder, extension } = FILE_KINDS[kind];
      const ending = /\.[A-Za-z0-9]{1,8}$/.exec(upload.fileName)?.[0] ?? extension;
      const file: StoredFile = {
        fileId: `${prefix}${botId}_${count}_${hash.slice(0, 24)}`,
        fileUniqueId: `${unique}${hash.slice(0, 11)}`,
        kind,
        fileName: upload.fileName,
        mimeType: upload.mimeType || 'application/octet-stream',
        path: `${folder}/file_${count}${ending}`,
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
