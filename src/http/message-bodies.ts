import { Type } from 'typebox';
import { limits } from '../limits.ts';
import { DeliverySchema } from '../outbox/outbox.ts';
import { WRITE_METHODS } from '../telegram/methods.ts';

/** What the routes of messages take, for those who read the description: the outbox checks a call by its method. */

const example = { method: 'sendMessage', chat_id: 777, text: 'Your order is on its way.' };

/** One body a method, each with an example. */
const BODIES = Object.entries(WRITE_METHODS).map(([name, { schema }]) => {
  const { description, examples } = Object(schema);
  const method = Type.Literal(name);
  return Type.Object(
    {
      method: name === 'sendMessage' ? Type.Optional(method) : method,
      ...schema.properties,
      delivery: Type.Optional(DeliverySchema),
    },
    {
      title: name,
      description,
      additionalProperties: true,
      examples: examples.map((call: object) => ({ method: name, ...call })),
    },
  );
});

export const MessageBody = Type.Unsafe<unknown>({
  ...Type.Union(BODIES),
  description: "A Bot API call in Telegram's webhook-reply form, with its delivery. `method` is sendMessage by default",
});

/** The same as a form, which is how files come: each file a part, named as the parameter that it is, or by attach://. */
export const FormBody = Type.Unsafe<unknown>(
  Type.Object(
    {
      method: Type.Optional(Type.Enum(Object.keys(WRITE_METHODS))),
      chat_id: Type.Optional(Type.String()),
      delivery: Type.Optional(Type.String({ description: 'JSON' })),
    },
    {
      additionalProperties: true,
      description:
        'Every parameter a part: a text, a number, JSON, or a file. A file is named as the parameter that it is ' +
        '(`photo`), or anything else that a parameter refers to as `attach://` and the name.',
      examples: [{ method: 'sendDocument', chat_id: '777', caption: 'Invoice 1001', document: '@invoice.pdf' }],
    },
  ),
);

/** What every call must be as JSON: the outbox checks the rest by its method. */
export const CallShape = Type.Object(
  {
    method: Type.Optional(Type.String()),
    chat_id: Type.Optional(Type.Union([Type.Integer(), Type.String()])),
    delivery: Type.Optional(Type.Object(DeliverySchema.properties)),
  },
  { additionalProperties: true },
);

export const MESSAGE_POST =
  'Durable once it is answered. Text limits count as Telegram counts them; parameters that are not named here are ' +
  'passed on. A field of the wrong type is 400, what Telegram would refuse 422; both name the field.';

/** What a batch must be as a whole: its items are checked one by one, so that what is wrong with one hinders no other. */
export const BatchShape = Type.Object({
  messages: Type.Array(Type.Unknown(), { minItems: 1, maxItems: limits.batchMessagesMax }),
});

const Item = Type.Unsafe<unknown>({
  allOf: [MessageBody, Type.Object({ idempotency_key: Type.String({ minLength: 1, maxLength: 255 }) })],
});

export const BatchBody = Type.Object(
  { messages: Type.Array(Item, { minItems: 1, maxItems: limits.batchMessagesMax }) },
  {
    examples: [
      {
        messages: [
          { idempotency_key: 'order-1001', ...example },
          { idempotency_key: 'order-1002', ...example, delivery: { priority: 'low' } },
        ],
      },
    ],
  },
);

const As = Type.Enum(['sent', 'failed', 'resend'], {
  description: 'What became of it, as somebody has found out; or: send it again, a double being the lesser evil',
});

export const ResolveBody = Type.Object({ as: As }, { examples: [{ as: 'sent' }, { as: 'failed' }, { as: 'resend' }] });

/** Unknown fields are refused: a filter that is misspelt must not choose all. */
export const ResolveManyBody = Type.Object(
  {
    as: As,
    filter: Type.Object(
      {
        status: Type.Optional(Type.Literal('unknown')),
        chat_id: Type.Optional(Type.Union([Type.Integer(), Type.String({ maxLength: 64 })])),
        method: Type.Optional(Type.String({ maxLength: 64 })),
        after: Type.Optional(
          Type.String({ format: 'date-time', description: 'Unknown since a later time: `updated_at`' }),
        ),
        before: Type.Optional(Type.String({ format: 'date-time', description: 'Unknown since an earlier time' })),
        ids: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { minItems: 1, maxItems: limits.filterIdsMax })),
      },
      { additionalProperties: false, description: 'Which: all that is given holds. `{}`: every one that the key sees' },
    ),
  },
  {
    additionalProperties: false,
    examples: [
      { as: 'failed', filter: { chat_id: 777, before: '2026-01-01T00:00:00Z' } },
      { as: 'resend', filter: { method: 'sendMessage' } },
    ],
  },
);
