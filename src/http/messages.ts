import { type Static, Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import type { MessageRecord, UnknownQuery } from '../journal/journal.ts';
import { type Key, mayAccess } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { type MessageAccepted, type MessagePost, messageId, messageView, seqOfMessageId } from '../outbox/outbox.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf, posterOf, requireActive } from './auth.ts';
import { goneOf } from './gone.ts';
import { checkedKey } from './idempotency.ts';
import { BatchBody, BatchShape, ResolveBody, ResolveManyBody } from './message-bodies.ts';
import { loggable, type Problem, type ProblemAnswer, problemOf, sendProblem } from './problems.ts';
import { AcceptedView, bodyChecked, Id, MessageView, PageLimit, ProblemSchema } from './schemas.ts';

const BatchAnswer = Type.Object({
  messages: Type.Array(Type.Union([AcceptedView, Type.Object({ error: ProblemSchema })]), {
    description: 'An answer an item, in their order',
  }),
});

const tags = ['messages'];
const config = { scope: 'write' } as const;

/** `/v1/messages/…`: what became of what aggregators send to users. A key sees the messages that it posted; an admin sees all. */
export function messageRoutes(app: App, parts: HttpParts): void {
  const { bot, outbox, keyring, keyEnds, secretEnds, postRate, closing, log } = parts;

  app.post(
    '/v1/messages/batch',
    {
      bodyLimit: limits.bodyBytesMax,
      schema: {
        tags,
        summary: 'Accept many messages, each for itself',
        description:
          'Each item is a body of POST /v1/messages with its own idempotency_key. Where some are to come again later, ' +
          'Retry-After says when; where all are, the answer is that of a post.',
        body: BatchBody,
        response: { 200: BatchAnswer },
      },
      validatorCompiler: bodyChecked(BatchShape),
      config: { ...config, forPrograms: true },
    },
    async (request, reply) => {
      const key = callerOf(request);
      postRate.take(key, request.body.messages.length);
      const posts = request.body.messages.map((item) => postOf(key, item));
      const good = posts.filter((post): post is MessagePost => !(post instanceof Error));
      const answers = good.length === 0 ? [] : await outbox.acceptAll(good);
      let next = 0;
      const waits: ProblemAnswer[] = [];
      const messages = posts.map((post) => {
        const answer = post instanceof Error ? post : answers[next++];
        if (answer !== undefined && !(answer instanceof Error)) return acceptedView(answer);
        const told = problemOf(answer);
        if (told.unexpected)
          log.error({ event: 'request_failed', ...loggable(answer, request) }, 'A message of a batch failed');
        if (told.retryAfterS !== null) waits.push(told);
        return { error: withFields(told.problem) };
      });
      const [longest] = waits.sort((a, b) => (b.retryAfterS ?? 0) - (a.retryAfterS ?? 0));
      if (longest === undefined) return { messages };
      // Whoever goes by the status alone comes again with all of them.
      if (waits.length === messages.length) return sendProblem(reply, longest);
      reply.header('retry-after', String(longest.retryAfterS));
      return { messages };
    },
  );

  app.get(
    '/v1/messages',
    {
      schema: {
        tags,
        summary: 'The messages of unknown fate, or for admins those of a key, in the order of their acceptance',
        description: 'Give one of status and key, or both. Of a key those are listed whose entries are kept.',
        querystring: Type.Object({
          status: Type.Optional(Type.Literal('unknown', { description: 'Those of unknown fate' })),
          key: Type.Optional(Type.String({ maxLength: 64, description: 'Those that the key with this id posted' })),
          after: Type.Optional(Type.String({ maxLength: 64, description: 'The `next` of the page before' })),
          limit: PageLimit,
        }),
        response: {
          200: Type.Object({ messages: Type.Array(MessageView), next: Type.Union([Type.String(), Type.Null()]) }),
        },
      },
      config,
    },
    async (request) => {
      const { status, key: posting, after: place, limit = 100 } = request.query;
      const key = callerOf(request);
      if (posting !== undefined && posting !== key.id && !mayAccess(key, 'admin'))
        throw new SwitchboardError('scope_missing', "Other keys' messages are for admins");
      const after = place === undefined ? 0 : seqOfMessageId(bot, place);
      if (after === null) throw new SwitchboardError('request_invalid', 'after is a message id', { field: 'after' });
      const page = await pageOf(status, posting, ownerOf(key), after, limit);
      const last = page.at(-1);
      return {
        messages: page.map((message) => messageView(bot, message)),
        next: last === undefined || page.length < limit ? null : messageId(bot, last.seq),
      };
    },
  );

  function pageOf(
    status: 'unknown' | undefined,
    posting: string | undefined,
    owner: string | undefined,
    after: number,
    limit: number,
  ): Promise<MessageRecord[]> {
    if (status === 'unknown') return outbox.unknown({ owner: posting ?? owner, after }, limit);
    if (posting !== undefined) return outbox.postedBy(posting, after, limit);
    throw new SwitchboardError('request_invalid', 'Give status=unknown, or key and the id of a key', {
      field: 'status',
    });
  }

  app.post(
    '/v1/messages/resolve',
    {
      bodyLimit: limits.idsBodyBytesMax,
      schema: {
        tags,
        summary: 'Decide the fate of many messages whose answers were lost',
        description:
          `The first ${limits.resolvedPerCallMax} of those that the filter chooses, all or none of them. ` +
          'While `remaining` is not 0, call again.',
        body: ResolveManyBody,
        response: {
          200: Type.Object({
            resolved: Type.Integer(),
            remaining: Type.Integer({
              description: `Those that are left, counted up to ${limits.remainingCountMax}`,
            }),
          }),
        },
      },
      config: { ...config, audit: { act: 'message.resolved', fields: ['as'] } },
    },
    async (request) => {
      const { as, filter } = request.body;
      return outbox.resolveAll({ ...queryOf(filter), owner: ownerOf(callerOf(request)) }, as);
    },
  );

  function queryOf({ chat_id, method, after, before, ids }: Static<typeof ResolveManyBody>['filter']): UnknownQuery {
    return {
      chat: chat_id === undefined ? undefined : String(chat_id).toLowerCase(),
      method,
      since: timeOf(after, 'filter/after'),
      until: timeOf(before, 'filter/before'),
      seqs: ids?.flatMap((id) => seqOfMessageId(bot, id) ?? []),
    };
  }

  app.get(
    '/v1/messages/:id',
    {
      schema: {
        tags,
        summary: 'What became of a message',
        params: Id('As the post answered it'),
        querystring: Type.Object({
          wait: Type.Optional(
            Type.Number({
              minimum: 0,
              maximum: limits.messageWaitMaxMs / 1000,
              description: 'Seconds to wait until it is settled',
            }),
          ),
        }),
        response: { 200: MessageView },
      },
      config,
    },
    async (request, reply) => {
      const { id } = request.params;
      const key = callerOf(request);
      const message = await own(id, key);
      const waitMs = (request.query.wait ?? 0) * 1000;
      if (waitMs === 0) return messageView(bot, message);
      const ends = [keyEnds.signalOf(key.id, reply), secretEnds.signalOf(key.id, reply)];
      const signal = AbortSignal.any([goneOf(reply), closing, ...ends]);
      const settled = await outbox.settled(id, waitMs, signal).catch((error: unknown) => {
        if (signal.aborted) return null;
        throw error;
      });
      requireActive(keyring, key);
      return messageView(bot, settled ?? (await own(id, key)));
    },
  );

  app.delete(
    '/v1/messages/:id',
    {
      schema: {
        tags,
        summary: 'Take back a message that is not yet being sent',
        params: Id('As the post answered it'),
        response: { 200: MessageView },
      },
      config: { ...config, audit: { act: 'message.canceled' } },
    },
    async (request) => {
      const { id } = request.params;
      await own(id, callerOf(request));
      return messageView(bot, await outbox.cancel(id));
    },
  );

  app.post(
    '/v1/messages/:id/resolve',
    {
      schema: {
        tags,
        summary: 'Decide the fate of a message whose answer was lost',
        params: Id('As the post answered it'),
        body: ResolveBody,
        response: { 200: MessageView },
      },
      config: { ...config, audit: { act: 'message.resolved', fields: ['as'] } },
    },
    async (request) => {
      const { id } = request.params;
      await own(id, callerOf(request));
      return messageView(bot, await outbox.resolve(id, request.body.as));
    },
  );

  /** A message that the key may see. Throws not_found for others' messages as for those that never were. */
  async function own(id: string, key: Key): Promise<MessageRecord> {
    const message = await outbox.find(id);
    if (message !== null && (key.role === 'admin' || message.keyId === key.id)) return message;
    throw new SwitchboardError('not_found', 'The key has posted no message with this id');
  }
}

function timeOf(text: string | undefined, field: string): number | undefined {
  const ms = text === undefined ? undefined : Date.parse(text);
  if (Number.isNaN(ms)) throw new SwitchboardError('request_invalid', `${field} is no ISO 8601 time`, { field });
  return ms;
}

/** The key whose messages this key sees: itself; undefined if it sees those of all keys. */
const ownerOf = ({ role, id }: Key): string | undefined => (role === 'admin' ? undefined : id);

export function acceptedView({ id, status, chat_id, created_at }: MessageAccepted): AcceptedView {
  return { id, status, chat_id, created_at };
}

/** An item of a batch as a post; an Error where it is none. */
function postOf(key: Key, item: unknown): MessagePost | Error {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return new SwitchboardError('request_invalid', 'A message is an object', { field: '' });
  const { idempotency_key: own, ...body } = { idempotency_key: undefined, ...item };
  const field = 'idempotency_key';
  if (typeof own !== 'string')
    return new SwitchboardError('idempotency_key_missing', 'Each message needs its own idempotency_key', { field });
  try {
    return { ...posterOf(key), idempotencyKey: checkedKey(own, field), body };
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/** The problem as the schema types it: its list of fields is one of its own. */
const withFields = ({ errors, ...problem }: Problem) =>
  errors === undefined ? problem : { ...problem, errors: [...errors] };
