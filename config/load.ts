import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  IsInteger,
  IsLiteral,
  IsNull,
  IsNumber,
  IsObject,
  IsRecord,
  IsUnion,
  RecordPattern,
  RecordValue,
  type TSchema,
} from 'typebox';
import { Compile } from 'typebox/compile';
import { listOf, networkList } from '../src/address-rule.ts';
import { errorText, SwitchboardError } from '../src/errors.ts';
import { withoutMark } from '../src/network.ts';
import { type Settings, SettingsSchema } from './schema.ts';
import { readSecretFile } from './secret-file.ts';

/** settings_invalid: one setting is wrong. The message names it, its value and what is allowed. */
export class SettingsError extends SwitchboardError {
  constructor(message: string) {
    super('settings_invalid', message);
  }
}

type Fields = Record<string, unknown>;
type Environment = Readonly<Record<string, string | undefined>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The settings: `default.json` in `folder`, then `local.json` in the same folder or in that of SWITCHBOARD_CONFIG, then
 * the environment. Throws SettingsError for the first that is unknown, of a wrong type or out of bounds; a secret's value
 * is not repeated.
 */
export function loadSettings(folder: string, env: Environment): Settings {
  if (env.DATABASE_URL !== undefined && env.DATABASE_URL !== '') {
    throw new SettingsError(
      'DATABASE_URL is set, but PostgreSQL is not supported yet: unset it to use SQLite in SWITCHBOARD_DATA',
    );
  }
  const merged = readJson(join(folder, 'default.json'));
  const own = env.SWITCHBOARD_CONFIG || folder;
  if (!existsSync(own)) {
    throw new SettingsError(`SWITCHBOARD_CONFIG: there is no folder ${own}: make it, or unset the variable`);
  }
  const local = join(own, 'local.json');
  const origins = new Map<string, string>();
  if (existsSync(local)) merge(merged, readJson(local), '', origins, own === folder ? 'config/local.json' : local);
  fromEnvironment(SettingsSchema, merged, '', withProxies(env), origins);
  const settings: unknown = merged;
  if (!Shape.Check(settings)) throw firstError(merged, origins);
  requireNetworks(SettingsSchema, merged, '', origins);
  return settings;
}

/**
 * The path of local.json if it holds a secret and every user of the machine may read it; else nothing. Its group may: a
 * service's user may read by its group what only root may write.
 */
export function exposedSecrets(folder: string, env: Environment): string[] {
  const local = join(env.SWITCHBOARD_CONFIG || folder, 'local.json');
  const mode = statSync(local, { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform === 'win32' || (mode & 0o004) === 0) return [];
  return holdsSecret(readJson(local), SettingsSchema) ? [local] : [];
}

const holdsSecret = (fields: Fields, schema: TSchema): boolean =>
  Object.entries(fields).some(([name, value]) => {
    const property = propertyOf(schema, name);
    if (property === undefined || value === null) return false;
    return isSecret(property) || (isFields(value) && holdsSecret(value, property));
  });

const Shape = Compile(SettingsSchema);

function readJson(path: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(withoutMark(readFileSync(path, 'utf8')));
  } catch (error) {
    // What the parser quotes of the file may be a secret: only the place is told.
    const text = error instanceof Error ? error.message : '';
    const why =
      error instanceof SyntaxError
        ? `is not valid JSON ${/\(line.*\)/.exec(text)?.[0] ?? ''}`
        : `cannot be read: ${text}`;
    throw new SettingsError(`${path} ${why.trim()}`);
  }
  if (!isFields(value)) throw new SettingsError(`${path} must hold a JSON object`);
  return value;
}

function merge(target: Fields, source: Fields, path: string, origins: Map<string, string>, origin: string): void {
  for (const [name, value] of Object.entries(source)) {
    const here = target[name];
    if (isFields(here) && isFields(value)) merge(here, value, `${path}/${name}`, origins, origin);
    else {
      target[name] = value;
      origins.set(`${path}/${name}`, origin);
    }
  }
}

/** Proxies have names in lower case too, which come first, as with curl. */
function withProxies(env: Environment): Environment {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];
  return { ...env, ...Object.fromEntries(names.map((name) => [name, env[name.toLowerCase()] || env[name]])) };
}

function fromEnvironment(
  schema: TSchema,
  target: Fields,
  path: string,
  env: Environment,
  origins: Map<string, string>,
): void {
  if (!IsObject(schema)) return;
  for (const [name, property] of Object.entries(schema.properties)) {
    const here = target[name];
    if (isFields(here)) fromEnvironment(property, here, `${path}/${name}`, env, origins);
    const variable = variablesOf(property).find((one) => env[one] !== undefined && env[one] !== '');
    if (variable === undefined) continue;
    const value = readVariable(variable, property, env);
    const numeric = IsInteger(property) || IsNumber(property);
    target[name] = numeric && value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
    origins.set(`${path}/${name}`, variable);
  }
}

function readVariable(variable: string, property: TSchema, env: Environment): string {
  const value = env[variable] ?? '';
  const [direct, file] = variablesOf(property);
  if (file === undefined) return value;
  if (variable === direct) {
    if (env[file]) throw new SettingsError(`${direct} and ${file} are both set: unset one of them`);
    return value;
  }
  try {
    return readSecretFile(value);
  } catch (error) {
    throw new SettingsError(`${variable}: ${errorText(error)}`);
  }
}

/** The variable that gives a setting; for a secret also the one that names a file with it. */
function variablesOf(schema: TSchema): string[] {
  // A setting that may be null names its variable on the other branch.
  if (IsUnion(schema) && !('env' in schema)) return schema.anyOf.flatMap(variablesOf);
  if (!('env' in schema) || typeof schema.env !== 'string') return [];
  return isSecret(schema) ? [schema.env, `${schema.env}_FILE`] : [schema.env];
}

/** The settings by their paths, for the audit log. An address may hold a password, or a key in its query. */
export function flatSettings(settings: Settings): { name: string; value: string; isSecret: boolean }[] {
  const below = (value: unknown, path: string, schema: TSchema | undefined): ReturnType<typeof flatSettings> => {
    if (isFields(value)) {
      return Object.entries(value).flatMap(([name, field]) =>
        below(field, path === '' ? name : `${path}.${name}`, schema && propertyOf(schema, name)),
      );
    }
    const hidden = schema === undefined || isSecret(schema) || (typeof value === 'string' && /[@?]/.test(value));
    return [{ name: path, value: JSON.stringify(value), isSecret: hidden }];
  };
  return below(settings, '', SettingsSchema);
}

const isSecret = (schema: TSchema): boolean =>
  'secret' in schema || (IsUnion(schema) && schema.anyOf.some((branch) => isSecret(branch)));

/** Variables that are no settings, but are read. */
const OTHER_VARIABLES = ['SWITCHBOARD_CONFIG'];

/** The variables named like Switchboard's that it does not know: misspelt, or of another version. */
export function unknownVariables(env: Environment): string[] {
  const below = (schema: TSchema): string[] => [
    ...variablesOf(schema),
    ...(IsObject(schema) ? Object.values(schema.properties).flatMap(below) : []),
  ];
  const known = new Set([...OTHER_VARIABLES, ...below(SettingsSchema)]);
  return Object.keys(env).filter((name) => /^(SWITCHBOARD|TELEGRAM)_/.test(name) && !known.has(name));
}

function firstError(settings: Fields, origins: Map<string, string>): SettingsError {
  const [error] = Shape.Errors(settings);
  const path = error?.instancePath ?? '';
  const parts = path.split('/').slice(1);
  const name = parts.join('.');
  const origin = origins.get(path) ?? origins.get(nearest(path, origins)) ?? 'config/default.json';
  const schema = parts.reduce<TSchema | undefined>((at, part) => at && propertyOf(at, part), SettingsSchema);
  if (schema === undefined) return new SettingsError(`${origin}: ${name} is no setting: see config/schema.ts`);
  const value = parts.reduce<unknown>((at, part) => (isFields(at) ? at[part] : undefined), settings);
  // In place of a whole group anything may stand, a secret too; an address may hold a password, and a key in its query.
  const hidden = isSecret(schema) || IsObject(schema) || (typeof value === 'string' && /[@?]/.test(value));
  const shown = hidden && value !== null ? 'a value that is not shown' : JSON.stringify(value);
  return new SettingsError(`${origin}: ${name} is ${shown}; allowed is ${allowed(schema)}`);
}

/** Throws for a list of networks that is none. */
function requireNetworks(schema: TSchema, fields: Fields, path: string, origins: Map<string, string>): void {
  for (const [name, value] of Object.entries(fields)) {
    const property = propertyOf(schema, name);
    if (property === undefined) continue;
    if (isFields(value)) requireNetworks(property, value, `${path}/${name}`, origins);
    if (typeof value !== 'string' || !isNetworks(property)) continue;
    try {
      networkList(listOf(value));
    } catch {
      const origin = origins.get(`${path}/${name}`) ?? 'config/default.json';
      const setting = `${path}/${name}`.slice(1).replaceAll('/', '.');
      throw new SettingsError(`${origin}: ${setting} is ${JSON.stringify(value)}; allowed is ${allowed(property)}`);
    }
  }
}

const isNetworks = (schema: TSchema): boolean =>
  'networks' in schema || (IsUnion(schema) && schema.anyOf.some((branch) => isNetworks(branch)));

const nearest = (path: string, origins: Map<string, string>): string =>
  [...origins.keys()].find((origin) => path.startsWith(origin) || origin.startsWith(path)) ?? '';

const propertyOf = (schema: TSchema, name: string): TSchema | undefined => {
  if (IsUnion(schema))
    return schema.anyOf.map((branch) => propertyOf(branch, name)).find((found) => found !== undefined);
  if (IsRecord(schema)) return new RegExp(RecordPattern(schema)).test(name) ? RecordValue(schema) : undefined;
  return IsObject(schema) ? schema.properties[name] : undefined;
};

/** What a setting may be, in words. */
function allowed(schema: TSchema): string {
  if (IsUnion(schema)) return schema.anyOf.map(allowed).join(', or ');
  if (IsNull(schema)) return 'null';
  if (IsLiteral(schema)) return JSON.stringify(schema.const);
  if ('says' in schema && typeof schema.says === 'string') return schema.says;
  if (IsInteger(schema) || IsNumber(schema)) {
    const kind = IsInteger(schema) ? 'a whole number' : 'a number';
    const { minimum, maximum } = { minimum: '-', maximum: '-', ...schema };
    return `${kind} from ${minimum} to ${maximum}`;
  }
  if (IsObject(schema)) return `an object with ${Object.keys(schema.properties).join(', ')}`;
  if ('pattern' in schema && typeof schema.pattern === 'string') return `text of the form ${schema.pattern}`;
  return 'type' in schema ? `a ${schema.type}` : 'another value';
}
