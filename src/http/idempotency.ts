import type { FastifyReply, FastifyRequest } from 'fastify';
import { SwitchboardError } from '../errors.ts';

const HEADER = 'idempotency-key';

/** The request's Idempotency-Key. Throws idempotency_key_missing, request_invalid. */
export function idempotencyKey(request: FastifyRequest): string {
  const value = request.headers[HEADER];
  if (typeof value !== 'string' || value === '') {
    throw new SwitchboardError('idempotency_key_missing', 'Send an Idempotency-Key: the same for every try of a post', {
      field: 'Idempotency-Key',
    });
  }
  return checkedKey(value, 'Idempotency-Key');
}

/** A key in its form: 1 to 255 visible ASCII characters. Throws request_invalid, naming the field. */
export function checkedKey(value: string, field: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(value)) return value;
  throw new SwitchboardError('request_invalid', 'An idempotency key has 1 to 255 visible ASCII characters', { field });
}

/** Tells a caller that this is the answer of an earlier post with the same key. */
export function markReplayed(reply: FastifyReply, replayed: boolean): void {
  if (replayed) reply.header('idempotent-replayed', 'true');
}
