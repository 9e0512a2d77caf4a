import type { Document, PhotoSize } from '@grammyjs/types';
import { limits } from '../limits.ts';
import { badRequest } from './api-error.ts';
import type { Call } from './call.ts';
import type { FileKind, StoredFile } from './files.ts';
import type { Upload } from './params.ts';

/**
 * The file of a call: uploaded, by `attach://`, by file_id, or fetched from a URL.
 * Throws ApiError 400 in Telegram's words.
 */
export async function readMedia({ world, bot, params }: Call, kind: FileKind): Promise<StoredFile> {
  const given = params.text(kind);
  const upload = given.startsWith('attach://') ? params.upload(given.slice(9)) : params.upload(kind);
  if (upload !== undefined) return world.files.put(bot.id, kind, checked(upload, kind));
  if (given === '' || given.startsWith('attach://')) throw badRequest(`there is no ${kind} in the request`);
  if (/^https?:\/\//i.test(given)) {
    return world.files.put(bot.id, kind, checked(await download(world, given), kind, true));
  }
  const stored = world.files.byId(bot.id, given);
  if (stored === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  if (stored.kind !== kind) throw badRequest(`can't use file of type ${named(stored.kind)} as ${named(kind)}`);
  return stored;
}

const named = (kind: FileKind): string => (kind === 'photo' ? 'Photo' : 'Document');

function checked(upload: Upload, kind: FileKind, byUrl = false): Upload {
  if (upload.bytes.length === 0) throw badRequest('file must be non-empty');
  if (kind === 'photo' && imageKind(upload.bytes) === null) {
    throw badRequest(byUrl ? 'Wrong type of the web page content' : 'IMAGE_PROCESS_FAILED');
  }
  return upload;
}

async function download(world: Call['world'], address: string): Promise<Upload> {
  const given = new AbortController();
  const timer = world.clock.setTimeout(() => given.abort(), limits.sandboxWebhookTimeoutMs);
  try {
    const response = await fetch(address, { signal: given.signal });
    if (!response.ok) throw badRequest('Failed to get HTTP URL content');
    const bytes = await readBounded(response);
    if (bytes === null) throw badRequest('Failed to get HTTP URL content');
    const mimeType = response.headers.get('content-type')?.split(';')[0] ?? '';
    return { bytes, mimeType, fileName: decodeURIComponent(new URL(address).pathname.split('/').at(-1) ?? '') };
  } catch (error) {
    throw error instanceof TypeError || given.signal.aborted ? badRequest('Failed to get HTTP URL content') : error;
  } finally {
    world.clock.clearTimeout(timer);
  }
}

/** Null beyond the bound: what is still to come is not read, and the connection is dropped. */
async function readBounded({ body }: Response): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > limits.sandboxDownloadBytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A document as a message's field. */
export function documentContent(file: StoredFile): { document: Document } {
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
export function photoContent(file: StoredFile): { photo: PhotoSize[] } {
  const { width, height } = imageSize(file.bytes);
  const size = { file_id: file.fileId, file_unique_id: file.fileUniqueId, file_size: file.bytes.length, width, height };
  return { photo: [size] };
}

function imageKind(bytes: Uint8Array): 'png' | 'jpeg' | 'gif' | 'webp' | null {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\x89PNG')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (head.startsWith('GIF8')) return 'gif';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'webp' : null;
}

/** Read from the file where that is simple; else a plausible size. */
function imageSize(bytes: Uint8Array): { width: number; height: number } {
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
  return { width: 640, height: 480 };
}
