import { ApiError } from './api-error.ts';
import { type Fields, isFields, jsonOf } from './fields.ts';

/** A file that came as a part of multipart/form-data. */
export interface Upload {
  readonly fileName: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
}

/** The parameters of one call, whichever way they came. Telegram keeps every one as text; so each can be read as any type. */
export interface Params {
  has(name: string): boolean;
  /** Empty where it is absent; JSON text where it came as an object. */
  text(name: string): string;
  /** The default where it is absent; 0 where it is no number; pressed between `min` and `max`. */
  integer(name: string, absent: number, min?: number, max?: number): number;
  flag(name: string): boolean;
  /** The JSON value; null where it is absent; undefined where it does not parse. */
  json(name: string): unknown;
  upload(name: string): Upload | undefined;
  /** The parameters within one of them, as of an album's item; uploads are the call's. */
  within(values: Fields): Params;
}

/** Parameters as they came: texts, or the values of a JSON object. `uploads` are a form's files by their field. */
export function createParams(
  values: ReadonlyMap<string, unknown>,
  uploads: ReadonlyMap<string, Upload> = new Map(),
): Params {
  const text = (name: string): string => {
    const value = values.get(name);
    if (typeof value === 'string') return value;
    return value === undefined || value === null ? '' : JSON.stringify(value);
  };
  return {
    has: (name) => values.has(name),
    text,
    integer(name, absent, min = -(2 ** 53), max = 2 ** 53) {
      const given = text(name).trim();
      if (given === '') return absent;
      const value = /^-?\d+$/.test(given) ? Number(given) : 0;
      return Math.min(Math.max(value, min), max);
    },
    flag: (name) => ['true', 'yes', '1'].includes(text(name).trim().toLowerCase()),
    json(name) {
      const value = values.get(name);
      if (typeof value !== 'string') return value ?? null;
      return value === '' ? null : jsonOf(value);
    },
    upload: (name) => uploads.get(name),
    within: (fields) => createParams(new Map(Object.entries(fields)), uploads),
  };
}

/**
 * Reads the parameters from the address and the body: JSON, urlencoded or multipart/form-data.
 * Throws ApiError 400 where the body is not what its content type says.
 */
export async function readParams(query: URLSearchParams, contentType: string, body: Buffer): Promise<Params> {
  const values = new Map<string, unknown>(query);
  const uploads = new Map<string, Upload>();
  if (body.length === 0) return createParams(values);
  if (contentType.startsWith('application/json')) {
    const object = jsonOf(body.toString());
    if (!isFields(object)) throw new ApiError(400, "Bad Request: can't parse JSON object");
    for (const [name, value] of Object.entries(object)) values.set(name, value);
  } else if (contentType.startsWith('multipart/form-data')) {
    await readForm(contentType, body, values, uploads);
  } else {
    for (const [name, value] of new URLSearchParams(body.toString())) values.set(name, value);
  }
  return createParams(values, uploads);
}

async function readForm(
  contentType: string,
  body: Buffer,
  values: Map<string, unknown>,
  uploads: Map<string, Upload>,
): Promise<void> {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(body), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw new ApiError(400, "Bad Request: can't parse multipart/form-data");
  }
  for (const [name, part] of form) {
    if (typeof part === 'string') values.set(name, part);
    else uploads.set(name, { fileName: part.name, mimeType: part.type, bytes: await part.bytes() });
  }
}
