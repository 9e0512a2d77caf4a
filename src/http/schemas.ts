import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { limits } from '../limits.ts';
import { longList } from '../long-list.ts';

/** Pieces of the schemas that validate, type and document the routes. */

export const Id = (description: string) => Type.Object({ id: Type.String({ description, maxLength: 64 }) });

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable: never changes its meaning' }),
    detail: Type.String(),
    errors: Type.Optional(Type.Array(Type.Object({ field: Type.String(), message: Type.String() }))),
  },
  { description: 'RFC 9457: what went wrong, application/problem+json' },
);

export const PageLimit = Type.Optional(Type.Integer({ minimum: 1, maximum: limits.pageSizeMax, default: 100 }));

export const IdempotencyHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ description: 'Required. 1 to 255 visible ASCII characters: the same key and body are done once' }),
  ),
});

/** Entries as they come: readers see them as the stream gives them. */
export const EntrySchema = Type.Object(
  {
    seq: Type.Integer(),
    type: Type.String(),
    bot: Type.String(),
    chat: Type.Union([Type.String(), Type.Null()]),
    at: Type.String({ format: 'date-time' }),
  },
  { additionalProperties: true, description: 'A journal entry, with what it carries: update, event, message, …' },
);

/** A route whose answer is put together as text, since its parts are JSON text already. */
export const AsText = (schema: object) => Type.Unsafe<string>(schema);

export const MessageView = Type.Object({
  id: Type.String(),
  status: Type.String(),
  chat_id: Type.Union([Type.Integer(), Type.String()]),
  method: Type.String(),
  attempts: Type.Integer(),
  created_at: Type.String(),
  updated_at: Type.String(),
  send_at: Type.Optional(Type.String()),
  telegram_message_id: Type.Optional(Type.Integer()),
  error: Type.Optional(Type.Unknown()),
});

export const AcceptedView = Type.Object({
  id: Type.String(),
  status: Type.String(),
  chat_id: Type.Union([Type.Integer(), Type.String()]),
  created_at: Type.String(),
});
export type AcceptedView = Static<typeof AcceptedView>;

/**
 * Compiles a route's schema. Bodies are taken as they are: a number is no text. Queries, parameters and headers are
 * text by nature: they are read as what the schema wants, and a single value as a list of one.
 */
export function validatorCompiler({ schema, httpPart }: { schema: unknown; httpPart?: string | undefined }) {
  const wanted = schemaOf(schema);
  const check = Compile(wanted);
  const lists = httpPart === 'querystring' ? listsOf(wanted) : [];
  return (value: unknown) => {
    const given = httpPart === 'body' ? value : withLists(value, lists);
    const long = longList(wanted, given);
    if (long !== null) {
      const message = `must not have more than ${long.max} items`;
      return { error: [{ keyword: 'maxItems', schemaPath: '', instancePath: `/${long.path}`, params: {}, message }] };
    }
    const read = httpPart === 'body' ? given : Value.Convert(wanted, given);
    return check.Check(read) ? { value: read } : { error: [...check.Errors(read)] };
  };
}

/**
 * For a route whose handler checks most of the body itself: its schema describes the body, and `checked` is enforced of
 * JSON. A form is read by the handler.
 */
export const bodyChecked = (checked: Type.TSchema) => (route: BodyRoute) => {
  if (route.httpPart !== 'body') return validatorCompiler(route);
  const isForm = route.contentType?.startsWith('multipart/') === true;
  return isForm ? (value: unknown) => ({ value }) : validatorCompiler({ ...route, schema: checked });
};

interface BodyRoute {
  readonly schema: unknown;
  readonly httpPart?: string | undefined;
  /** Set where the body is described by its type. */
  readonly contentType?: string | undefined;
}

function schemaOf(schema: unknown): Type.TSchema {
  if (typeof schema !== 'object' || schema === null) throw new TypeError('A route has no schema object');
  return schema;
}

const listsOf = (schema: Type.TSchema): string[] =>
  Type.IsObject(schema)
    ? Object.entries(schema.properties).flatMap(([name, property]) => (Type.IsArray(property) ? [name] : []))
    : [];

function withLists(value: unknown, lists: readonly string[]): unknown {
  if (lists.length === 0 || typeof value !== 'object' || value === null) return value;
  const read: Record<string, unknown> = { ...value };
  for (const name of lists) if (typeof read[name] === 'string') read[name] = [read[name]];
  return read;
}
