import { createHash } from 'node:crypto';
import { limits } from '../limits.ts';
import { badRequest } from './api-error.ts';
import type { Call } from './call.ts';
import { FILE_KINDS, type FileKind, type StoredFile } from './files.ts';
import type { Upload } from './form.ts';
import { imageKind } from './media-content.ts';
import { refusedAddress } from './outside.ts';
import type { Params } from './params.ts';

/**
 * The file that a parameter names: uploaded, by `attach://`, by file_id, or fetched from a URL. `params` are the call's,
 * or those of an album's item. Throws ApiError 400 in Telegram's words.
 */
export async function readMedia(
  { world, bot }: Pick<Call, 'world' | 'bot'>,
  params: Params,
  name: string,
  kind: FileKind,
): Promise<StoredFile> {
  const given = params.text(name);
  const upload = given.startsWith('attach://') ? params.upload(given.slice(9)) : params.upload(name);
  if (upload !== undefined) return world.files.put(bot.id, kind, checked(upload, kind));
  if (given === '' || given.startsWith('attach://')) {
    throw badRequest(
      name === kind ? `there is no ${kind} in the request` : `Can't parse InputMedia: ${name} not found`,
    );
  }
  if (/^https?:\/\//i.test(given)) {
    return world.files.put(bot.id, kind, checked(await download(world, given), kind, true));
  }
  const stored = world.files.byId(bot.id, given);
  if (stored === undefined) throw badRequest('wrong file identifier/HTTP URL specified');
  if (stored.kind !== kind) {
    throw badRequest(`can't use file of type ${FILE_KINDS[stored.kind].named} as ${FILE_KINDS[kind].named}`);
  }
  return stored;
}

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
    await using site = await world.outside.get(address, given.signal);
    const { response } = site;
    if (!response.ok) throw badRequest('Failed to get HTTP URL content');
    const content = await readBounded(response);
    if (content === null) throw badRequest('Failed to get HTTP URL content');
    const mimeType = response.headers.get('content-type')?.split(';')[0] ?? '';
    return { ...content, mimeType, fileName: decodeURIComponent(new URL(address).pathname.split('/').at(-1) ?? '') };
  } catch (error) {
    const refused = refusedAddress(error);
    if (refused !== null) throw badRequest(`Failed to get HTTP URL content: ${refused}`);
    throw error instanceof TypeError || given.signal.aborted ? badRequest('Failed to get HTTP URL content') : error;
  } finally {
    world.clock.clearTimeout(timer);
  }
}

/** Null beyond the bound: what is still to come is not read, and the connection is dropped. */
async function readBounded({
  body,
}: {
  readonly body: AsyncIterable<Uint8Array> | null;
}): Promise<Pick<Upload, 'bytes' | 'sha256'> | null> {
  const chunks: Uint8Array[] = [];
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > limits.sandboxDownloadBytesMax) return null;
    chunks.push(chunk);
    hash.update(chunk);
  }
  return { bytes: Buffer.concat(chunks), sha256: hash.digest('base64url') };
}
