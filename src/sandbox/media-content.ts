import type { Fields } from './fields.ts';
import { FILE_KINDS, type FileKind, type StoredFile } from './files.ts';
import type { Params } from './params.ts';

/**
 * A file as a message's field. What Telegram reads from the file itself (duration, size of the picture) is what the
 * call says, or a plausible figure: the sandbox looks into pictures alone.
 */
export function mediaContent(kind: FileKind, file: StoredFile, params: Params): Fields {
  const { fileId: file_id, fileUniqueId: file_unique_id, mimeType, fileName } = file;
  const ids = { file_id, file_unique_id, file_size: file.bytes.length };
  const named = { ...(fileName === '' ? {} : { file_name: fileName }), mime_type: mimeType };
  const duration = params.integer('duration', 0, 0);
  const size = { width: params.integer('width', 640, 0), height: params.integer('height', 480, 0) };
  switch (kind) {
    case 'photo':
      return photoContent(file);
    case 'document':
      return documentContent(file);
    case 'video':
      return { video: { ...ids, ...named, ...size, duration } };
    case 'audio': {
      const told = ['performer', 'title'].filter((name) => params.text(name) !== '');
      return {
        audio: { ...ids, ...named, duration, ...Object.fromEntries(told.map((name) => [name, params.text(name)])) },
      };
    }
    case 'voice':
      return { voice: { ...ids, mime_type: mimeType, duration } };
    case 'animation':
      // Telegram gives animations as documents too, for clients that know no animations.
      return { animation: { ...ids, ...named, ...size, duration }, ...documentContent(file) };
    case 'sticker': {
      const { width, height } = imageSize(file.bytes, { width: 512, height: 512 });
      const emoji = params.text('emoji');
      const kindOf = { type: 'regular', is_animated: fileName.endsWith('.tgs'), is_video: fileName.endsWith('.webm') };
      return { sticker: { ...ids, ...kindOf, width, height, ...(emoji === '' ? {} : { emoji }) } };
    }
  }
}

/** The fields of a message that hold a file. */
export const MEDIA_FIELDS: readonly string[] = Object.keys(FILE_KINDS);

/** A document as a message's field. */
export function documentContent(file: StoredFile): Fields {
  return {
    document: {
      file_id: file.fileId,
      file_unique_id: file.fileUniqueId,
      ...(file.fileName === '' ? {} : { file_name: file.fileName }),
      mime_type: file.mimeType,
      file_size: file.bytes.length,
    },
  };
}

/** A photo as a message's field: one size. Telegram makes more of them, the largest last. */
export function photoContent(file: StoredFile): Fields {
  const size = imageSize(file.bytes, { width: 640, height: 480 });
  return {
    photo: [{ file_id: file.fileId, file_unique_id: file.fileUniqueId, file_size: file.bytes.length, ...size }],
  };
}

/** What kind of picture these bytes are; null: none. */
export function imageKind(bytes: Uint8Array): 'png' | 'jpeg' | 'gif' | 'webp' | null {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\x89PNG')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('GIF8')) return 'gif';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'webp' : null;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Read from the file where that is simple; else the usual size. */
function imageSize(bytes: Uint8Array, usual: Size): Size {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (imageKind(bytes) === 'png' && bytes.length >= 24)
    return { width: view.getUint32(16), height: view.getUint32(20) };
  if (imageKind(bytes) === 'jpeg') {
    for (let at = 2; at + 9 < bytes.length; at += 2 + view.getUint16(at + 2)) {
      const marker = view.getUint16(at);
      if (marker >= 0xffc0 && marker <= 0xffc2)
        return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
    }
  }
  return usual;
}
