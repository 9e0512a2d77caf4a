import multipart from '@fastify/multipart';
import { CALL_BOUNDS, requireModestJson } from '../bounded-input.ts';
import { limits } from '../limits.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf, posterOf, requireActive } from './auth.ts';
import { idempotencyKey, markReplayed } from './idempotency.ts';
import { CallShape, FormBody, MESSAGE_POST, MessageBody } from './message-bodies.ts';
import { acceptedView } from './messages.ts';
import { readForm } from './multipart.ts';
import { AcceptedView, bodyChecked, IdempotencyHeaders } from './schemas.ts';

/** `POST /v1/messages`: a call as JSON, or as a form with files. No other address takes forms. */
export async function messagePostRoute(app: App, { outbox, uploads, keyring, postRate }: HttpParts): Promise<void> {
  await app.register(async (scope: App) => {
    await scope.register(multipart);
    scope.post(
      '/v1/messages',
      {
        bodyLimit: limits.bodyBytesMax,
        schema: {
          tags: ['messages'],
          summary: 'Accept a message for sending',
          description: MESSAGE_POST,
          headers: IdempotencyHeaders,
          body: {
            content: { 'application/json': { schema: MessageBody }, 'multipart/form-data': { schema: FormBody } },
          },
          response: { 202: AcceptedView },
        },
        validatorCompiler: bodyChecked(CallShape),
        config: { scope: 'write' },
      },
      async (request, reply) => {
        const key = callerOf(request);
        postRate.take(key, 1);
        // Before a form is read: without the key it would be read in vain.
        const post = { ...posterOf(key), idempotencyKey: idempotencyKey(request) };
        const { body, files } = request.isMultipart() ? await readPost() : { body: request.body, files: [] };
        const accepted = await outbox.accept({ ...post, body, files });
        markReplayed(reply, accepted.replayed);
        return reply.code(202).header('location', `/v1/messages/${accepted.id}`).send(acceptedView(accepted));

        async function readPost() {
          try {
            const { fields, files } = await readForm(request, uploads, key.id);
            if (!keyring.isActive(key.id)) await uploads.discard(files);
            requireActive(keyring, key);
            return { body: withDelivery(fields), files };
          } catch (error) {
            // What is still to come is not read.
            reply.header('connection', 'close');
            throw error;
          }
        }
      },
    );
  });
}

/** In a form `delivery` is a text of JSON. What is none is left for the outbox to refuse. */
function withDelivery(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { delivery } = fields;
  if (typeof delivery !== 'string') return fields;
  try {
    requireModestJson(delivery, CALL_BOUNDS);
    return { ...fields, delivery: JSON.parse(delivery) };
  } catch {
    return fields;
  }
}
