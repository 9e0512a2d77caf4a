import type { Readable } from 'node:stream';
import { readUrlParams, requireFewParams } from '../bounded-input.ts';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { ApiError } from './api-error.ts';
import { readAll } from './body.ts';
import { type Fields, isFields, jsonOf } from './fields.ts';
import { readForm, type Upload } from './form.ts';

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
 * Reads the parameters from the address and the body: JSON, urlencoded or multipart/form-data. Throws ApiError 400 where
 * the body is not what its content type says, 413 where it is beyond Telegram's bounds.
 */
export async function readParams(query: string, contentType: string, body: Readable): Promise<Params> {
  const values = new Map<string, unknown>(read(query, readUrlParams));
  if (contentType.startsWith('multipart/form-data')) {
    const form = await readForm(contentType, body);
    for (const [name, value] of form.values) values.set(name, value);
    return createParams(values, form.uploads);
  }
  const bytes = await readAll(body, limits.bodyBytesMax);
  if (bytes === null) throw new ApiError(413, 'Request Entity Too Large');
  if (bytes.length === 0) return createParams(values);
  const isJson = contentType.startsWith('application/json');
  const given = isJson ? objectOf(bytes.toString()) : read(bytes.toString(), readUrlParams);
  for (const [name, value] of given) values.set(name, value);
  return createParams(values);
}

function objectOf(text: string): readonly (readonly [string, unknown])[] {
  const object = read(text, (json) => jsonOf(json));
  // Telegram takes null for no parameters.
  if (object === null) return [];
  if (!isFields(object)) throw new ApiError(400, "Bad Request: can't parse JSON object");
  const fields = Object.entries(object);
  read(fields.length, requireFewParams);
  return fields;
}

/** Reads by a rule of the product's own; what it refuses is refused in Telegram's form. */
function read<Given, Result>(given: Given, how: (given: Given) => Result): Result {
  try {
    return how(given);
  } catch (error) {
    if (!(error instanceof SwitchboardError)) throw error;
    throw error.entry.status === 413
      ? new ApiError(413, 'Request Entity Too Large')
      : new ApiError(400, `Bad Request: ${error.message}`);
  }
}
