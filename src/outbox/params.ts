import { Type } from 'typebox';
import { CALL_BOUNDS, requireModestJson } from '../bounded-input.ts';
import { SwitchboardError } from '../errors.ts';
import { longList } from '../long-list.ts';
import type { MethodFacts } from '../telegram/methods.ts';
import { leastLength } from './measure.ts';
import { type Params, ruleBroken } from './rules.ts';

const invalid = (field: string, message: string) => new SwitchboardError('request_invalid', message, { field });
const refused = (field: string, message: string) => new SwitchboardError('message_invalid', message, { field });

/**
 * Parameters as their schema has them. Telegram takes each as text too (a form has nothing else): numbers, flags and
 * JSON are read from it. What cannot be read stays as it is, for the check to name.
 * Throws message_invalid if a list is longer than Telegram takes: whoever comes next looks at its items.
 */
export function readParams({ schema }: MethodFacts, given: Params): Record<string, unknown> {
  const params: Record<string, unknown> = { ...given };
  for (const [name, property] of Object.entries(schema.properties)) {
    const value = params[name];
    if (typeof value === 'string' && !takesText(property)) params[name] = fromText(property, value);
    // An optional parameter that is null is one that is not there.
    else if (value === null) delete params[name];
  }
  const long = longList(schema, params);
  if (long !== null) throw refused(long.path, `${long.path} must not have more than ${long.max} items`);
  return params;
}

const takesText = (schema: Type.TSchema): boolean =>
  Type.IsString(schema) || Type.IsEnum(schema) || (Type.IsUnion(schema) && schema.anyOf.some(Type.IsString));

function fromText(schema: Type.TSchema, text: string): unknown {
  if (Type.IsBoolean(schema) && /^(true|1|yes)$/i.test(text)) return true;
  if (Type.IsBoolean(schema) && /^(false|0|no)$/i.test(text)) return false;
  try {
    requireModestJson(text, CALL_BOUNDS);
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Checks a call as far as can be known before Telegram sees it. `parts`: the names of the uploaded files, each of which
 * has to be referred to once at least. Throws, naming the field: request_invalid (missing, or of another type),
 * message_invalid (Telegram would refuse it).
 */
export function checkParams(method: string, facts: MethodFacts, params: Params, parts: readonly string[]): void {
  const validator = facts.validator();
  if (!validator.Check(params)) throw firstError([...validator.Errors(params)]);
  const attached = new Set<string>();
  inspect(facts.schema, params, {}, '', (part) => attached.add(part));
  const broken = ruleBroken(method, params);
  if (broken !== null) throw refused(broken.field, broken.message);
  for (const part of attached) {
    if (!parts.includes(part)) throw refused(part, `No part of the form has the name ${part}, as in attach://${part}`);
  }
  const idle = parts.find((part) => !attached.has(part));
  if (idle !== undefined) throw refused(idle, `No parameter refers to the file ${idle}`);
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

/** The deepest field at fault: a union tells of each of its branches, and the deepest is the one that was meant. */
function firstError(errors: readonly SchemaError[]): SwitchboardError {
  const depth = ({ instancePath }: SchemaError) => instancePath.split('/').length;
  const [error] = [...errors].sort((a, b) => depth(b) - depth(a));
  if (error === undefined) return invalid('', 'The call is not as its schema says');
  const path = error.instancePath.slice(1);
  const told: Params = { ...error.params };
  const { requiredProperties, allowedValues } = told;
  if (Array.isArray(requiredProperties)) {
    const field = [path, String(requiredProperties[0])].filter((part) => part !== '').join('/');
    return invalid(field, `${field} is required`);
  }
  const message = Array.isArray(allowedValues)
    ? `must be one of ${allowedValues.map(String).join(', ')}`
    : error.message;
  return error.keyword === 'type' ? invalid(path, `${path} ${message}`) : refused(path, `${path} ${message}`);
}

/** Telegram's own rules (calls/parts.ts), along the schema; where it says nothing more, files all the same. */
function inspect(
  schema: Type.TSchema | undefined,
  value: unknown,
  siblings: Params,
  path: string,
  attach: (part: string) => void,
): void {
  if (typeof value === 'string') {
    const told = schema !== undefined && Type.IsUnion(schema) ? schema.anyOf.find(Type.IsString) : schema;
    inspectText(told, value, siblings, path, attach);
  } else if (Array.isArray(value)) {
    const items = schema !== undefined && Type.IsArray(schema) ? schema.items : undefined;
    for (const [i, item] of value.entries()) inspect(items, item, {}, below(path, String(i)), attach);
  } else if (typeof value === 'object' && value !== null) {
    const told = schema !== undefined && Type.IsUnion(schema) ? schema.anyOf.find(Type.IsObject) : schema;
    const properties = told !== undefined && Type.IsObject(told) ? told.properties : {};
    const fields: Params = { ...value };
    for (const [name, field] of Object.entries(fields)) {
      inspect(Object.hasOwn(properties, name) ? properties[name] : undefined, field, fields, below(path, name), attach);
    }
  }
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}/${name}`);

function inspectText(
  schema: Type.TSchema | undefined,
  value: string,
  siblings: Params,
  field: string,
  attach: (part: string) => void,
): void {
  const { length, bytes, parsedBy, isFile } = rulesOf(schema);
  if (isFile || schema === undefined) {
    // A local Bot API server reads files of its own machine: a key for messages is no key to those.
    if (/^\s*file:/i.test(value)) throw refused(field, `${field} names a file of the server`);
    if (value.startsWith('attach://')) attach(value.slice('attach://'.length));
  }
  if (length !== null) {
    const least = leastLength(value, parsedBy === null ? undefined : siblings[parsedBy]);
    if (least > length.max) throw refused(field, `${field} has ${least} characters, Telegram takes ${length.max}`);
    if (length.min > 0 && value.trim() === '') throw refused(field, `${field} must not be empty`);
  }
  if (bytes !== null) {
    const size = Buffer.byteLength(value);
    if (size < bytes.min || size > bytes.max) {
      throw refused(field, `${field} has ${size} bytes, Telegram takes ${bytes.min} to ${bytes.max}`);
    }
  }
}

interface Range {
  readonly min: number;
  readonly max: number;
}

/** The keywords of a text's schema that JSON Schema has not. */
function rulesOf(schema: Type.TSchema | undefined) {
  const keywords: Readonly<Record<string, unknown>> = { ...schema };
  const parsedBy = keywords['x-parsed-by'];
  return {
    length: rangeOf(keywords['x-length']),
    bytes: rangeOf(keywords['x-bytes']),
    parsedBy: typeof parsedBy === 'string' ? parsedBy : null,
    isFile: keywords['x-file'] === true,
  };
}

function rangeOf(value: unknown): Range | null {
  if (typeof value !== 'object' || value === null || !('min' in value) || !('max' in value)) return null;
  const { min, max } = value;
  return typeof min === 'number' && typeof max === 'number' ? { min, max } : null;
}
