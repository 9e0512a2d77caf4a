import type { FastifyRequest } from 'fastify';
import { SwitchboardError } from '../errors.ts';

/** The parameters of a Bot API call, by name: texts, or the values of a JSON object. */
export type Params = Readonly<Record<string, unknown>>;

/**
 * The parameters of a call, whichever way Telegram takes them: in the query, as JSON, urlencoded, or as a form.
 * Throws body_malformed.
 */
export async function paramsOf(request: FastifyRequest): Promise<Params> {
  const query: Params = { ...Object(request.query) };
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) return query;
  const type = (request.headers['content-type'] ?? '').toLowerCase();
  if (type.startsWith('application/json')) return { ...query, ...objectOf(body.toString()) };
  if (type.startsWith('multipart/form-data')) return { ...query, ...(await formOf(request, body)) };
  return { ...query, ...Object.fromEntries(new URLSearchParams(body.toString())) };
}

function objectOf(text: string): object {
  const malformed = (cause?: unknown) => new SwitchboardError('body_malformed', "can't parse JSON object", { cause });
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    throw malformed(error);
  }
  throw malformed();
}

async function formOf(request: FastifyRequest, body: Buffer): Promise<object> {
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const form = await new Response(new Uint8Array(body), { headers }).formData().catch((cause: unknown) => {
    throw new SwitchboardError('body_malformed', "can't parse multipart/form-data", { cause });
  });
  return Object.fromEntries(form);
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
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed.map(String) : null;
  } catch {
    return null;
  }
}
