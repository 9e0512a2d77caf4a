import querystring from 'node:querystring';
import { SwitchboardError } from './errors.ts';
import { limits } from './limits.ts';

/**
 * What others send as text is counted before it is parsed: making values of it takes many times as long as counting
 * them, and some parsers take quadratic time.
 */

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What JSON may hold. */
export interface JsonBounds {
  /** Values, names included. */
  readonly values: number;
  readonly depth: number;
}

/** Bounds of a whole body. How deep each of its parts may be nested is told by whoever takes the part. */
export const BODY_BOUNDS: JsonBounds = { values: limits.jsonValuesMax, depth: Number.POSITIVE_INFINITY };
/** Bounds of one call of the Bot API. */
export const CALL_BOUNDS: JsonBounds = { values: limits.callValuesMax, depth: limits.callDepthMax };

/** Throws request_invalid if the text of a JSON is beyond its bounds. Whether it is JSON at all, its parser finds out. */
export function requireModestJson(text: string, bounds: JsonBounds): void {
  let values = 1;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      at = endOfString(text, at);
    } else if (char === COMMA || char === COLON) {
      values += 1;
    } else if (char === OPEN_LIST || char === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > bounds.depth) throw invalid(`The body is nested deeper than ${bounds.depth} levels`);
    } else if (char === CLOSE_LIST || char === CLOSE_OBJECT) {
      depth -= 1;
    }
    if (values > bounds.values) throw invalid(`The body has more than ${bounds.values} values: send fewer at once`);
  }
}

/** The place of the quotation mark that ends the string which begins at `start`; the text's end if there is none. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) return at;
    if (char === BACKSLASH) at += 1;
  }
  return text.length;
}

/**
 * Reads parameters in the form of a URL's query (application/x-www-form-urlencoded); of those of one name the last.
 * Throws body_too_large if they are more than limits.parametersMax. The time that `URLSearchParams` takes grows with the
 * square of the length.
 */
export function readUrlParams(text: string): Map<string, string> {
  const pairs = text.split('&', limits.parametersMax + 1);
  requireFewParams(pairs.length);
  const params = new Map<string, string>();
  for (const pair of pairs) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    params.set(decoded(name), equals < 0 ? '' : decoded(pair.slice(equals + 1)));
  }
  return params;
}

const PLUS = /\+/g;

/** Decodes leniently: a malformed escape stays as it is. */
const decoded = (text: string): string => querystring.unescape(text.replace(PLUS, ' '));

/** Throws body_too_large if a call has more parameters than limits.parametersMax. */
export function requireFewParams(count: number): void {
  if (count <= limits.parametersMax) return;
  throw new SwitchboardError('body_too_large', `A call has ${limits.parametersMax} parameters at most`);
}

const invalid = (message: string) => new SwitchboardError('request_invalid', message, { field: '' });
