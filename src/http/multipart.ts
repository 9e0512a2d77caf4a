import type { FastifyRequest } from 'fastify';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Upload, Uploads } from '../uploads/uploads.ts';

/** A form as it came: its fields, each a text (or JSON where its part says so), and its files on the disk. */
export interface Form {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly files: readonly Upload[];
}

/**
 * Reads multipart/form-data, its files straight to the disk. Throws body_malformed, body_too_large, outbox_full; what it
 * had taken in by then is deleted.
 */
export async function readForm(request: FastifyRequest, uploads: Uploads): Promise<Form> {
  const fields: Record<string, unknown> = Object.create(null);
  const files: Upload[] = [];
  let bytesLeft: number = limits.uploadBytesMax;
  try {
    for await (const part of request.parts({ limits: PART_LIMITS })) {
      const { fieldname: name } = part;
      if (name in fields || files.some((file) => file.part === name)) throw malformed(`It has two parts named ${name}`);
      if (part.type === 'field') {
        if (part.valueTruncated) throw tooLarge('A field of a form holds 1 MiB at most');
        fields[name] = part.value;
        continue;
      }
      const incoming = { part: name, name: part.filename ?? name, type: part.mimetype, bytes: part.file };
      const upload = await uploads.receive(incoming, bytesLeft);
      files.push(upload);
      bytesLeft -= upload.size;
    }
    return { fields: { ...fields }, files };
  } catch (error) {
    await uploads.discard(files);
    throw formError(error);
  }
}

const PART_LIMITS = {
  files: limits.uploadFilesMax,
  fields: limits.formFieldsMax,
  fieldSize: limits.bodyBytesMax,
  fieldNameSize: 100,
  // Ours is told per message, and in our words.
  fileSize: limits.uploadBytesMax + 1,
};

const malformed = (message: string, cause?: unknown) => new SwitchboardError('body_malformed', message, { cause });
const tooLarge = (message: string, cause?: unknown) => new SwitchboardError('body_too_large', message, { cause });

/** What the parser says, in our words. */
function formError(error: unknown): unknown {
  if (error instanceof SwitchboardError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'FST_FILES_LIMIT') return tooLarge(`A message has ${limits.uploadFilesMax} files at most`, error);
  if (code === 'FST_FIELDS_LIMIT' || code === 'FST_PARTS_LIMIT') {
    return tooLarge(`A form has ${limits.formFieldsMax} fields at most`, error);
  }
  if (code === 'FST_REQ_FILE_TOO_LARGE') {
    return tooLarge(`The files of a message hold ${limits.uploadBytesMax} bytes at most`, error);
  }
  // The disk's own faults have a system call; everything else is the parser's word on the form.
  if ('syscall' in error && !/^(ECONN|EPIPE)/.test(code)) return error;
  return malformed('The body is not well-formed multipart/form-data', error);
}
