import type { FastifyRequest } from 'fastify';
import { CALL_BOUNDS, requireModestJson } from '../bounded-input.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Upload, Uploads } from '../uploads/uploads.ts';

/** A form as it came: its fields, each a text (or JSON where its part says so), and its files on the disk. */
export interface Form {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly files: readonly Upload[];
}

/**
 * Reads multipart/form-data, its files straight to the disk. All else in it, as far as it came, is in memory: it is held
 * to the bound of a body, names included. Throws body_malformed, body_too_large, request_invalid, outbox_full; what it had taken in by
 * then is deleted.
 */
export async function readForm(request: FastifyRequest, uploads: Uploads, keyId: string): Promise<Form> {
  const fields: Record<string, unknown> = Object.create(null);
  const files: Upload[] = [];
  const texts = createTexts();
  let fieldCount = 0;
  let bytesLeft: number = limits.uploadBytesMax;
  try {
    for await (const part of request.parts(PARSING)) {
      if (part.type !== 'file') continue;
      const { fieldname: name, filename, mimetype: type } = part;
      if (name in fields || files.some((file) => file.part === name)) throw malformed(`It has two parts named ${name}`);
      texts.count(name);
      if (filename === undefined && type !== 'application/octet-stream') {
        fieldCount += 1;
        if (fieldCount > limits.formFieldsMax) throw tooLarge(`A form has ${limits.formFieldsMax} fields at most`);
        const text = await texts.read(part.file);
        fields[name] = type.startsWith('application/json') ? jsonOf(text) : text;
        continue;
      }
      if (files.length === limits.uploadFilesMax) {
        throw tooLarge(`A message has ${limits.uploadFilesMax} files at most`);
      }
      texts.count(filename ?? '', type);
      const upload = await uploads.receive(
        { part: name, name: filename ?? name, type, bytes: part.file },
        bytesLeft,
        keyId,
      );
      files.push(upload);
      bytesLeft -= upload.size;
    }
    return { fields: { ...fields }, files };
  } catch (error) {
    await uploads.discard(files);
    throw formError(error);
  }
}

function jsonOf(text: string): unknown {
  requireModestJson(text, CALL_BOUNDS);
  return JSON.parse(text);
}

/** Reads what of a form is text, up to limits.bodyBytesMax in all. */
function createTexts() {
  let left: number = limits.bodyBytesMax;

  function take(bytes: number): void {
    left -= bytes;
    if (left < 0) throw tooLarge('The fields of a form hold 1 MiB at most, all together');
  }

  return {
    count(...names: readonly string[]): void {
      for (const name of names) take(Buffer.byteLength(name));
    },
    async read(bytes: AsyncIterable<Buffer>): Promise<string> {
      const chunks: Buffer[] = [];
      for await (const chunk of bytes) {
        take(chunk.length);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString();
    },
  };
}

const PARSING = {
  // Every part is a stream: the parser reads no further than we do, and holds nothing of it in memory.
  isPartAFile: () => true,
  limits: {
    files: limits.uploadFilesMax + limits.formFieldsMax,
    // Ours is told per message, and in our words.
    fileSize: limits.uploadBytesMax + 1,
  },
};

const malformed = (message: string, cause?: unknown) => new SwitchboardError('body_malformed', message, { cause });
const tooLarge = (message: string, cause?: unknown) => new SwitchboardError('body_too_large', message, { cause });

/** What the parser says, in our words. */
function formError(error: unknown): unknown {
  if (error instanceof SwitchboardError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'FST_FILES_LIMIT') return tooLarge('A form has too many parts', error);
  if (code === 'FST_REQ_FILE_TOO_LARGE') {
    return tooLarge(`The files of a message hold ${limits.uploadBytesMax} bytes at most`, error);
  }
  // The disk's own faults have a system call; everything else is the parser's word on the form.
  if ('syscall' in error && !/^(ECONN|EPIPE)/.test(code)) return error;
  return malformed('The body is not well-formed multipart/form-data', error);
}
