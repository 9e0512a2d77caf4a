/** What the server answered other than 2xx: RFC 9457. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** The field at fault; null: none in particular. */
  readonly field: string | null;
  constructor(status: number, code: string, detail: string, field: string | null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** What went wrong, in words. */
export const reasonOf = (error: unknown): string =>
  error instanceof Problem ? error.message : 'Switchboard cannot be reached: is it running?';

/** The path below which Switchboard is served: this module is at `assets/ui/api.ts` there. */
export const BASE_PATH = new URL('../..', import.meta.url).pathname;

/** Several Switchboards may be served below paths of one origin. */
const SESSION = `switchboard ${BASE_PATH}`;

/** Keeps this page's part of the log-in, for all tabs and until it ends: a cookie has the other part. Null: forgets it. */
export function keepSession(secret: string | null): void {
  if (secret === null) localStorage.removeItem(SESSION);
  else localStorage.setItem(SESSION, secret);
}

/** What a request of this page sends of its log-in: by this the server knows it from one of another port of this host. */
export function sessionHeaders(): Readonly<Record<string, string>> {
  const secret = localStorage.getItem(SESSION);
  return secret === null ? {} : { 'x-switchboard-page': secret };
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Calls Switchboard with the log-in of this page. Paths are relative, as `v1/session`: a proxy may serve all below a path.
 * Resolves with the answer's JSON, null if there is none; rejects with a Problem, or with a TypeError if the server cannot be
 * reached.
 */
export async function call(path: string, { method = 'GET', body, headers = {}, signal }: CallOptions = {}) {
  const isForm = body instanceof FormData;
  const response = await fetch(path, {
    method,
    headers: {
      ...sessionHeaders(),
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer;
  const { code, detail, field } = fieldsOf(answer);
  throw new Problem(
    response.status,
    typeof code === 'string' ? code : 'unknown',
    typeof detail === 'string' ? detail : `The server answered ${response.status}`,
    typeof field === 'string' ? field : null,
  );
}

/** The fields of what may be an object. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
