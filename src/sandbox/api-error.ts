import type { ResponseParameters } from '@grammyjs/types';

/** The Bot API's refusal: becomes `{"ok":false,"error_code","description","parameters"}` with that HTTP status. */
export class ApiError extends Error {
  readonly errorCode: number;
  readonly parameters: ResponseParameters | undefined;

  constructor(errorCode: number, description: string, parameters?: ResponseParameters) {
    super(description);
    this.name = 'ApiError';
    this.errorCode = errorCode;
    this.parameters = parameters;
  }
}

/** 400. Telegram writes the first letter small, unless the second one is a capital or `_` (`BUTTON_DATA_INVALID`). */
export function badRequest(text: string, parameters?: ResponseParameters): ApiError {
  const described = /^.[A-Z_]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
  return new ApiError(400, `Bad Request: ${described}`, parameters);
}

/** 403. */
export const forbidden = (text: string): ApiError => new ApiError(403, `Forbidden: ${text}`);

/** 409. */
export const conflict = (text: string): ApiError => new ApiError(409, `Conflict: ${text}`);

/** 429, which also sets the Retry-After header. Whole seconds. */
export const tooManyRequests = (retryAfterS: number): ApiError =>
  new ApiError(429, `Too Many Requests: retry after ${retryAfterS}`, { retry_after: retryAfterS });

/** The body of an answer that refuses. */
export function refusalBody(error: ApiError): string {
  return JSON.stringify({
    ok: false,
    error_code: error.errorCode,
    description: error.message,
    ...(error.parameters === undefined ? {} : { parameters: error.parameters }),
  });
}
