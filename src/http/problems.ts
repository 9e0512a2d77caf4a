import type { FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { storageFault } from '../storage-fault.ts';

/** An error as callers get it: RFC 9457 with a stable `code`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  /** The fields at fault: the path into the body (`delivery/send_at`), or the name of a parameter or header. */
  readonly errors?: readonly FieldError[];
}

export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** The parts of an answer to an error. `unexpected`: nobody foresaw it, so that it belongs in the log. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly retryAfterS: number | null;
  readonly unexpected: boolean;
}

/** What every answer has, unless its address says otherwise: no cache keeps it, and no browser guesses what it is. */
export const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

const BODY_TOO_LARGE =
  'The body is larger than this address takes: 1 MiB with messages or an event, 128 KiB with ids, 16 KiB else, 1 KiB to log in';

/** The answer to anything thrown. What nobody foresaw is `internal`, without a word of what is inside. */
export function problemOf(thrown: unknown): ProblemAnswer {
  const error = storageFault(thrown) ?? thrown;
  if (error instanceof SwitchboardError && error.entry.status !== undefined) {
    const errors = error.field === undefined ? undefined : [{ field: error.field, message: error.message }];
    const retryAfterS = error.retryAfterMs === undefined ? null : Math.max(1, Math.ceil(error.retryAfterMs / 1000));
    return { problem: problem(error.code, error.message, errors), retryAfterS, unexpected: false };
  }
  const foreseen = error instanceof Error ? edgeProblem(error) : null;
  if (foreseen !== null) return { problem: foreseen, retryAfterS: null, unexpected: false };
  const detail = 'Something failed here that is no fault of the request. The log tells more.';
  return { problem: problem('internal', detail), retryAfterS: null, unexpected: true };
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, { problem: body, retryAfterS }: ProblemAnswer): FastifyReply {
  if (retryAfterS !== null) reply.header('retry-after', String(retryAfterS));
  if (body.status === 401) reply.header('www-authenticate', 'Bearer realm="switchboard"');
  return reply.code(body.status).type(PROBLEM_TYPE).send(JSON.stringify(body));
}

/** A problem for the log: what failed and where. A SyntaxError's message quotes the text it choked on: left out (I7). */
export function loggable(error: unknown, request: FastifyRequest) {
  const at = { method: request.method, route: request.routeOptions.url ?? 'none' };
  if (!(error instanceof Error)) return { ...at, error: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  const message = error instanceof SyntaxError ? null : error.message;
  return { ...at, error: error.name, message, stack: frames.join('\n') };
}

function problem(code: ErrorCode, detail: string, errors?: readonly FieldError[]): Problem {
  const entry = ERRORS[code];
  const status = 'status' in entry ? entry.status : 500;
  const base = { type: `urn:switchboard:problem:${code}`, title: entry.title, status, code, detail: shortened(detail) };
  if (errors === undefined) return base;
  const told = errors.slice(0, limits.fieldErrorsMax);
  return {
    ...base,
    errors: told.map(({ field, message }) => ({ field: shortened(field), message: shortened(message) })),
  };
}

/** What a request says of itself may be as long as its body: an error quotes the beginning. */
const shortened = (text: string): string =>
  text.length <= limits.errorTextLengthMax ? text : `${text.slice(0, limits.errorTextLengthMax)}…`;

/** Fastify's own errors in our words; null where the error is not the request's fault. */
function edgeProblem(error: Error): Problem | null {
  const { code, statusCode, validation, validationContext } = edgeFacts(error);
  if (validation !== null) {
    const errors = fieldErrors(validation, validationContext);
    const detail = errors.map(({ field, message }) => `${field || 'The body'} ${message}`).join('; ');
    return problem('request_invalid', detail, errors);
  }
  if (statusCode === null || statusCode < 400 || statusCode > 499) return null;
  if (statusCode === 413) return problem('body_too_large', BODY_TOO_LARGE);
  if (statusCode === 415) return problem('media_type_unsupported', 'Send the body as application/json');
  if (statusCode === 404) return problem('not_found', 'There is no such address');
  if (code === 'FST_ERR_BAD_URL') return problem('request_invalid', 'The path is not well encoded');
  if (code.startsWith('FST_ERR_CTP_') || error instanceof SyntaxError)
    return problem('body_malformed', 'The body is not valid JSON');
  return problem('request_invalid', 'The request is not well formed');
}

/** What fastify and its validator put on an error, read without trusting it. */
function edgeFacts(error: Error) {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const statusCode = 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : null;
  const validation = 'validation' in error && Array.isArray(error.validation) ? (error.validation as unknown[]) : null;
  const validationContext = 'validationContext' in error ? error.validationContext : null;
  return { code, statusCode, validation, validationContext };
}

/** One error a field: what a union's branches each say is joined. */
function fieldErrors(validation: readonly unknown[], context: unknown): FieldError[] {
  const messages = new Map<string, Set<string>>();
  for (const issue of validation) {
    for (const { field, message } of issueOf(issue)) {
      // Of a body the path tells the place; parameters are known by their names.
      const path = field.replace(/^\//, '');
      const name = context === 'body' ? path : (path.split('/')[0] ?? path);
      messages.set(name, (messages.get(name) ?? new Set()).add(message));
    }
  }
  return [...messages].map(([field, told]) => ({ field, message: [...told].join(' or ') }));
}

interface Issue {
  readonly keyword?: unknown;
  readonly instancePath?: unknown;
  readonly message?: unknown;
  readonly params?: { readonly requiredProperties?: unknown; readonly allowedValues?: unknown } | undefined;
}

function issueOf(value: unknown): FieldError[] {
  const issue: Issue = typeof value === 'object' && value !== null ? value : {};
  const path = typeof issue.instancePath === 'string' ? issue.instancePath : '';
  const { requiredProperties, allowedValues } = issue.params ?? {};
  if (Array.isArray(requiredProperties))
    return requiredProperties.map((name) => ({ field: `${path}/${String(name)}`, message: 'is required' }));
  // A union says what its branches said before, and an object what each field that it does not know said.
  if (issue.keyword === 'anyOf' || issue.keyword === 'additionalProperties') return [];
  if (issue.keyword === 'boolean') return [{ field: path, message: 'is not known here' }];
  if (Array.isArray(allowedValues))
    return [{ field: path, message: `must be one of ${allowedValues.map(String).join(', ')}` }];
  return [{ field: path, message: typeof issue.message === 'string' ? issue.message : 'is wrong' }];
}
