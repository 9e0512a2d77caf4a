import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import { limits } from '../limits.ts';
import { ApiError } from './api-error.ts';

/** A file that came as a part of multipart/form-data. */
export interface Upload {
  readonly fileName: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  /** Of its bytes, base64url. */
  readonly sha256: string;
}

/** A form: its texts and its files by the names of their parts. */
export interface Form {
  readonly values: ReadonlyMap<string, string>;
  readonly uploads: ReadonlyMap<string, Upload>;
}

/**
 * Reads multipart/form-data as it comes, so that other work gets its turn between its pieces. Rejects with ApiError 400 if
 * it is malformed or the caller leaves, with 413 if it is beyond its bounds; what is still to come is then dropped.
 */
export async function readForm(contentType: string, body: Readable): Promise<Form> {
  const values = new Map<string, string>();
  const uploads = new Map<string, Upload>();
  const files: Promise<void>[] = [];
  let textLeft: number = limits.bodyBytesMax;
  let bytesLeft: number = limits.uploadBytesMax;
  const parser = parserOf(contentType);
  // What an event's listener throws would end the process.
  const fail = (): void => void parser.destroy(tooLarge());
  const takeText = (...texts: readonly (string | undefined)[]): void => {
    for (const text of texts) textLeft -= Buffer.byteLength(text ?? '');
    if (textLeft < 0) fail();
  };
  const takeBytes = (bytes: number): void => {
    bytesLeft -= bytes;
    if (bytesLeft < 0) fail();
  };
  parser.on('field', (name: string | undefined, value, _nameTruncated, isTruncated) => {
    takeText(name, value);
    if (isTruncated) fail();
    if (name !== undefined) values.set(name, value);
  });
  parser.on('file', (name: string | undefined, stream, given: string | undefined, _encoding, mimeType) => {
    const fileName = given ?? name ?? '';
    takeText(name, fileName, mimeType);
    const read = readFile(stream, takeBytes).then((content) => {
      if (name !== undefined) uploads.set(name, { ...content, fileName, mimeType });
    });
    read.catch((error) => parser.destroy(error));
    files.push(read);
  });
  for (const event of ['partsLimit', 'fieldsLimit', 'filesLimit']) parser.on(event, fail);
  const leave = (): void => {
    if (!body.readableEnded) parser.destroy(malformed());
  };
  body.once('close', leave);
  try {
    // Not by pipeline: that would destroy a request whose caller waits for the answer.
    await finished(body.pipe(parser));
    await Promise.all(files);
  } catch (error) {
    body.unpipe(parser);
    body.resume();
    throw error instanceof ApiError ? error : malformed();
  }
  return { values, uploads };
}

function parserOf(contentType: string): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        fields: limits.parametersMax,
        files: limits.uploadFilesMax,
        parts: limits.parametersMax + limits.uploadFilesMax,
        fieldSize: limits.bodyBytesMax,
      },
    });
  } catch {
    // It names no boundary.
    throw malformed();
  }
}

async function readFile(stream: BusboyFileStream, take: (bytes: number) => void) {
  const chunks: Buffer[] = [];
  const hash = createHash('sha256');
  const chunksOf: AsyncIterable<Buffer> = stream;
  for await (const chunk of chunksOf) {
    take(chunk.length);
    hash.update(chunk);
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), sha256: hash.digest('base64url') };
}

const malformed = () => new ApiError(400, "Bad Request: can't parse multipart/form-data");
const tooLarge = () => new ApiError(413, 'Request Entity Too Large');
