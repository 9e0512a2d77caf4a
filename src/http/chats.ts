import { Type } from 'typebox';
import { chatOfConversation } from '../conversations/conversations.ts';
import { SwitchboardError } from '../errors.ts';
import { type Key, mayPostEvent } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf, requireChat } from './auth.ts';
import { ChatView, chatView } from './chat-view.ts';
import { idempotencyKey, markReplayed } from './idempotency.ts';
import { AsText, EntrySchema, Id, IdempotencyHeaders, PageLimit } from './schemas.ts';

const ChatId = Id("A chat's id, or that of a conversation within it: <chat>:u<user>, <chat>:t<topic>");
const tags = ['chats'];
const read = { scope: 'read' } as const;

/** `/v1/chats`: where each conversation stands, its journal, and events posted to it. */
export function chatRoutes(app: App, parts: HttpParts): void {
  const { journal, operators, conversations, answers, postRate } = parts;

  app.get(
    '/v1/chats',
    {
      schema: {
        tags,
        summary: 'The conversations, by id',
        querystring: Type.Object({
          after: Type.Optional(Type.String({ maxLength: 64, description: 'The `next` of the page before' })),
          limit: PageLimit,
          status: Type.Optional(Type.Literal('quarantined', { description: 'Only those that stand still' })),
        }),
        response: {
          200: Type.Object({ chats: Type.Array(ChatView), next: Type.Union([Type.String(), Type.Null()]) }),
        },
      },
      config: read,
    },
    async (request) => {
      const { after = null, limit = 100, status } = request.query;
      const { chats } = callerOf(request);
      const wanted = { after, limit, chats };
      const page = await (status === undefined ? journal.conversations(wanted) : journal.quarantined(wanted));
      return { chats: page.map(chatView), next: page.length < limit ? null : (page.at(-1)?.id ?? null) };
    },
  );

  app.get(
    '/v1/chats/:id',
    {
      schema: { tags, summary: 'Where one conversation stands', params: ChatId, response: { 200: ChatView } },
      config: read,
    },
    async (request) => {
      const { id } = request.params;
      chatFor(callerOf(request), id);
      const conversation = await journal.conversation(id);
      if (conversation === null) throw new SwitchboardError('not_found', 'There is no conversation with this id');
      return chatView(conversation);
    },
  );

  app.get(
    '/v1/chats/:id/events',
    {
      schema: {
        tags,
        summary: "A chat's journal",
        params: ChatId,
        querystring: Type.Object({
          after: Type.Optional(Type.Integer({ minimum: 0, description: 'The `next` of the page before' })),
          limit: PageLimit,
        }),
        response: {
          200: AsText(
            Type.Object({ events: Type.Array(EntrySchema), next: Type.Union([Type.Integer(), Type.Null()]) }),
          ),
        },
      },
      config: read,
    },
    async (request, reply) => {
      const chat = chatFor(callerOf(request), request.params.id);
      const { after = journal.bounds().first - 1, limit = 100 } = request.query;
      answers.take(callerOf(request), reply.raw);
      const page = await operators.page({ after, limit, chats: [chat], types: null });
      const next = page.atHead ? null : page.after;
      return reply
        .type('application/json; charset=utf-8')
        .send(`{"events":[${page.texts.join(',')}],"next":${JSON.stringify(next)}}`);
    },
  );

  app.post(
    '/v1/chats/:id/retry',
    {
      schema: {
        tags,
        summary: 'Step a quarantined conversation again, with what it failed on and all that came since',
        params: ChatId,
        response: { 200: ChatView },
      },
      config: { scope: 'admin', audit: { act: 'chat.retried' } },
    },
    async (request) => {
      const { id } = request.params;
      chatFor(callerOf(request), id);
      return chatView(await conversations.retry(id));
    },
  );

  app.post(
    '/v1/chats/:id/events',
    {
      bodyLimit: limits.bodyBytesMax,
      schema: {
        tags,
        summary: 'Tell a conversation that something happened',
        params: ChatId,
        headers: IdempotencyHeaders,
        body: Type.Object(
          {
            type: Type.String({
              minLength: 1,
              maxLength: limits.eventTypeLengthMax,
              description: 'payment.settled, …',
            }),
          },
          { additionalProperties: true },
        ),
        response: { 202: Type.Object({ seq: Type.Integer() }) },
      },
      config: { scope: 'write', forPrograms: true },
    },
    async (request, reply) => {
      const { id: conversation } = request.params;
      const key = callerOf(request);
      chatFor(key, conversation);
      requireEventType(key, request.body.type);
      postRate.take(key, 1);
      const { seq, replayed } = await conversations.postEvent({
        keyId: key.id,
        idempotencyKey: idempotencyKey(request),
        conversation,
        event: request.body,
      });
      markReplayed(reply, replayed);
      return reply.code(202).send({ seq });
    },
  );
}

/** Throws scope_missing if the key may not post events of this type. */
function requireEventType(key: Key, type: string): void {
  if (mayPostEvent(key, type)) return;
  const may = key.events === null ? 'none at all' : key.events.join(', ');
  throw new SwitchboardError('scope_missing', `The key may not post the event ${type}: it may post ${may}`);
}

/**
 * The chat of a conversation's id. Throws scope_missing where the key is not for it, not_found where it is no id: in
 * this order, so that a restricted key learns nothing of any other.
 */
function chatFor(key: Key, id: string): string {
  const chat = chatOfConversation(id);
  requireChat(key, chat);
  if (chat !== null) return chat;
  throw new SwitchboardError('not_found', 'This is no id of a chat: digits, with a minus before those of a group');
}
