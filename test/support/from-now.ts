/**
 * The only place where a test reads the machine's date: a moment this far from now, in milliseconds, for a server that
 * runs by the machine's clock. A distance holds on every day; a computed calendar date does not.
 */
export const fromNow = (ms: number): number => Date.now() + ms;

export const isoFromNow = (ms: number): string => new Date(fromNow(ms)).toISOString();

/** As a person would type it into a date field: the same moment in the local time zone, to the minute. */
export function localFromNow(ms: number): string {
  const at = new Date(fromNow(ms));
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
