import type { FastifyRequest } from 'fastify';
import { CALL_BOUNDS, readUrlParams, requireFewParams, requireModestJson } from '../bounded-input.ts';
import { SwitchboardError } from '../errors.ts';
import type { Upload, Uploads } from '../uploads/uploads.ts';
import { readForm } from './multipart.ts';

/** The parameters of a Bot API call, by name: texts, or the values of a JSON object. */
export type Params = Readonly<Record<string, unknown>>;

/** What came with a call. The files lie on the disk, for whoever takes the call to keep or to discard. */
export interface Given {
  readonly params: Params;
  readonly files: readonly Upload[];
}

/**
 * What came with a call, whichever way Telegram takes it: in the query, as JSON, urlencoded, or as a form with files.
 * Throws body_malformed, body_too_large, request_invalid, outbox_full.
 */
export async function givenWith(request: FastifyRequest, uploads: Uploads, keyId: string): Promise<Given> {
  const query: Params = { ...Object(request.query) };
  requireFewParams(Object.keys(query).length);
  if (request.isMultipart()) {
    const { fields, files } = await readForm(request, uploads, keyId);
    return { params: { ...query, ...fields }, files };
  }
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) return { params: query, files: [] };
  const isJson = /^application\/json/i.test(request.headers['content-type'] ?? '');
  const fields = isJson ? objectOf(body.toString()) : Object.fromEntries(readUrlParams(body.toString()));
  return { params: { ...query, ...fields }, files: [] };
}

function objectOf(text: string): object {
  const malformed = (cause?: unknown) => new SwitchboardError('body_malformed', "can't parse JSON object", { cause });
  requireModestJson(text, CALL_BOUNDS);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw malformed(error);
  }
  // Telegram takes it for no parameters.
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed();
  requireFewParams(Object.keys(value).length);
  return value;
}

/** A whole number, as Telegram reads it: the default where it is absent, 0 where it is none, within its bounds. */
export function integerOf(value: unknown, absent: number, min: number, max: number): number {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (text === '') return absent;
  return Math.min(Math.max(/^-?\d+$/.test(text) ? Number(text) : 0, min), max);
}

/** A flag, as Telegram reads it. */
export const flagOf = (value: unknown): boolean => /^(true|yes|1)$/i.test(String(value ?? '').trim());

/** A list of texts, in JSON or as it is; null where it is absent or no list. */
export function listOf(value: unknown): string[] | null {
  if (typeof value !== 'string') return Array.isArray(value) ? value.map(String) : null;
  try {
    requireModestJson(value, CALL_BOUNDS);
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed.map(String) : null;
  } catch {
    return null;
  }
}
