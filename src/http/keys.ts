import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Act } from '../audit/audit.ts';
import { isEventType } from '../conversations/conversations.ts';
import { SwitchboardError } from '../errors.ts';
import { isCallbackUrl, keyView, type MadeKey as Made, ROLES, rightsOf, SCOPES } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { retryWhileLocked } from '../storage-fault.ts';
import type { App, HttpParts } from './app.ts';
import { actorOf } from './audit.ts';
import { Id } from './schemas.ts';

const MaybeText = Type.Union([Type.String(), Type.Null()]);
const KeyView = Type.Object({
  id: Type.String(),
  role: Type.Enum([...ROLES]),
  name: Type.String(),
  chats: Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: all' }),
  scopes: Type.Array(Type.Enum([...SCOPES])),
  events: Type.Union([Type.Array(Type.String()), Type.Null()], {
    description: 'Types of the events that it may post; null: every type that its role may',
  }),
  created_at: Type.String(),
  expires_at: MaybeText,
  revoked_at: MaybeText,
  old_secret_until: Type.Union([Type.String(), Type.Null()], {
    description: 'Until when the secret before the present one works too',
  }),
});
const MadeKey = Type.Object({
  ...KeyView.properties,
  key: Type.String({ description: 'Shown this once' }),
  callback_secret: Type.Optional(Type.String({ description: 'Signs its callbacks; shown this once' })),
});

const Canceled = Type.Object({
  id: Type.String(),
  canceled: Type.Integer({ description: 'Messages that waited and will not be sent' }),
});

const CALLBACK_WRONG = 'callback must be an https address (http on this machine), without a password in it';

const tags = ['keys'];
const config = { scope: 'admin' } as const;

function shownOnce({ key, text, callbackSecret }: Made): Static<typeof MadeKey> {
  const secret = callbackSecret === null ? {} : { callback_secret: callbackSecret };
  return { ...keyView(key), key: text, ...secret };
}

/** `/v1/keys`: who may do what, for admins. */
export function keyRoutes(app: App, { keyring, outbox, clock, audit }: HttpParts): void {
  const noteNow = (request: FastifyRequest, act: Act, subject: string, detail: object | null) =>
    audit.noteNow({ act, ...actorOf(request), subject, detail: detail === null ? null : { ...detail } });

  app.get(
    '/v1/keys',
    {
      schema: { tags, summary: 'All keys', response: { 200: Type.Object({ keys: Type.Array(KeyView) }) } },
      config,
    },
    async () => ({ keys: keyring.list().map(keyView) }),
  );

  app.post(
    '/v1/keys',
    {
      schema: {
        tags,
        summary: 'Make a key',
        body: Type.Object({
          role: Type.Enum([...ROLES]),
          name: Type.String({ minLength: 1, maxLength: limits.keyNameLengthMax }),
          chats: Type.Optional(
            Type.Array(Type.String({ pattern: '^-?[1-9]\\d{0,15}$' }), {
              minItems: 1,
              maxItems: limits.filterValuesMax,
            }),
          ),
          scopes: Type.Optional(
            Type.Array(Type.Enum([...SCOPES]), {
              maxItems: SCOPES.length,
              description: 'Beside those of the role: moderate, for a backend',
            }),
          ),
          events: Type.Optional(
            Type.Array(Type.String({ maxLength: limits.eventTypeLengthMax }), {
              minItems: 1,
              maxItems: limits.keyEventTypesMax,
              description: 'Types of the events that it may post: payment.settled, … Left out: every type',
            }),
          ),
          expires_at: Type.Optional(Type.String({ format: 'date-time' })),
          callback: Type.Optional(
            Type.String({ description: 'Where the fates of its messages are sent: https, or http on this machine' }),
          ),
        }),
        response: { 201: MadeKey },
      },
      config,
    },
    async (request, reply) => {
      const {
        role,
        name,
        chats = null,
        scopes: givenScopes = [],
        events = null,
        expires_at,
        callback = null,
      } = request.body;
      const expiresAt = expires_at === undefined ? null : Date.parse(expires_at);
      if (expiresAt !== null && !(expiresAt > clock.now()))
        throw new SwitchboardError('request_invalid', 'A key expires in the future', { field: 'expires_at' });
      const wrong = events?.find((type) => !isEventType(type));
      if (wrong !== undefined)
        throw new SwitchboardError('request_invalid', `${wrong} is no event type such as payment.settled`, {
          field: 'events',
        });
      if (callback !== null && !isCallbackUrl(callback))
        throw new SwitchboardError('request_invalid', CALLBACK_WRONG, { field: 'callback' });
      const made = await retryWhileLocked(clock, () =>
        keyring.create({ role, name, chats, givenScopes, events, expiresAt, callback }, (made) =>
          noteNow(request, 'key.made', made.id, rightsOf(made)),
        ),
      );
      return reply.code(201).send(shownOnce(made));
    },
  );

  app.delete(
    '/v1/keys/:id',
    {
      schema: {
        tags,
        summary: 'Revoke a key: what it has open ends',
        description: 'With cancel=1 what it has waiting is canceled too, also if it was revoked before.',
        params: Id('A key'),
        querystring: Type.Object(
          { cancel: Type.Optional(Type.Enum(['0', '1'], { description: '1: cancel what it has waiting' })) },
          { additionalProperties: false },
        ),
        response: { 200: Canceled, 204: Type.Null() },
      },
      config,
    },
    async (request, reply) => {
      const { id } = request.params;
      const cancel = request.query.cancel === '1';
      const revoked = await retryWhileLocked(clock, () =>
        keyring.revoke(id, cancel, () => noteNow(request, 'key.revoked', id, null)),
      );
      if (!revoked && !(cancel && keyring.isCanceled(id)))
        throw new SwitchboardError('not_found', 'There is no such key, or it is revoked already');
      if (!cancel) return reply.code(204).send(null);
      const canceled = await outbox.cancelAllOf(id);
      await audit.note({ act: 'messages.canceled', ...actorOf(request), subject: id, detail: { canceled } });
      return { id, canceled };
    },
  );

  app.post(
    '/v1/keys/:id/rotate',
    {
      schema: {
        tags,
        summary: 'Give a key a new secret: all that belongs to it stays',
        description: 'An old secret that was still at work from the rotation before ends at once.',
        params: Id('A key'),
        body: Type.Object(
          {
            overlap_s: Type.Optional(
              Type.Integer({
                minimum: 0,
                maximum: limits.keyOverlapMaxMs / 1000,
                default: limits.keyOverlapDefaultMs / 1000,
                description: 'Seconds for which the old secret works too',
              }),
            ),
            callback_secret: Type.Optional(Type.Boolean({ description: 'Sign its callbacks with a new secret too' })),
          },
          { additionalProperties: false },
        ),
        response: { 200: MadeKey },
      },
      config,
    },
    async (request) => {
      const { overlap_s = limits.keyOverlapDefaultMs / 1000, callback_secret = false } = request.body;
      const wanted = { overlapMs: overlap_s * 1000, newCallbackSecret: callback_secret };
      const made = await retryWhileLocked(clock, () =>
        keyring.rotate(request.params.id, wanted, () =>
          noteNow(request, 'key.rotated', request.params.id, { overlap_s }),
        ),
      );
      if (made === null) throw new SwitchboardError('not_found', 'There is no such key, or it has ended');
      return shownOnce(made);
    },
  );
}
