import { CALL_BOUNDS, requireModestJson } from '../bounded-input.ts';

/** Reading JSON that others wrote: what is not of the expected type is simply not there. */
export type Fields = Readonly<Record<string, unknown>>;

/** True for a JSON object: not null, not an array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as a whole number that JavaScript holds exactly, or undefined. */
export const integerOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;

/** The JSON in a text, or undefined where it is none, or more than a call may hold. */
export function jsonOf(text: string): unknown {
  try {
    requireModestJson(text, CALL_BOUNDS);
  } catch {
    return undefined;
  }
  return parsed(text);
}

/** The JSON in a text whose bounds have been looked at; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
