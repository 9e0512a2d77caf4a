/**
 * The wait in ms that a `Retry-After` header asks for: seconds or an HTTP date (RFC 9110, 10.2.3), at most `maxMs`.
 * Undefined if there is no such header, or it cannot be read.
 */
export function retryAfterMs(header: string | string[] | undefined, now: number, maxMs: number): number | undefined {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  const at = text.endsWith('GMT') ? Date.parse(text) : Number.NaN;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : at - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), maxMs);
}
