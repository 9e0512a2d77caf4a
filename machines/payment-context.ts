const text = { type: 'string' };
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] });
/** Nothing beside what is named: a field that is renamed is not to be mistaken for one that is not there yet. */
const record = (properties: Readonly<Record<string, object>>) => ({
  type: 'object',
  required: Object.keys(properties),
  properties,
  additionalProperties: false,
});

/** JSON Schema of PaymentContext, by which a new version of the machine knows whether it can read an old conversation. */
export const context = record({
  conversation: text,
  group: { type: 'boolean' },
  draft: orNull(
    record({
      amount: text,
      currency: text,
      recipient: text,
      id: text,
      messageId: { type: 'integer' },
      payer: orNull({ type: 'integer' }),
    }),
  ),
  paymentId: orNull(text),
  heard: { type: 'array', items: record({ paymentId: text, settled: { type: 'boolean' }, reason: text }) },
  last: orNull(text),
});
