import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import { type Key, mayAccess } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import {
  ENTRY_TYPES,
  eventId,
  type PageQuery,
  parseEventId,
  type ReaderFilter,
  type Subscription,
} from '../operators/operators.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf, requireActive, visibleChats } from './auth.ts';
import { createPlaces, type Places } from './places.ts';
import { streamTo } from './response-sink.ts';
import { AsText, EntrySchema } from './schemas.ts';
import { lastVisible } from './visible-head.ts';

const Query = Type.Object(
  {
    from: Type.Optional(Type.Enum(['earliest', 'latest'], { description: 'Without an event id; latest by default' })),
    last_event_id: Type.Optional(Type.String({ description: 'Go on after this one; the Last-Event-ID header wins' })),
    chat: Type.Optional(
      Type.Array(Type.String({ pattern: '^(-?[1-9]\\d{0,15}|@\\w{1,64})$' }), { maxItems: limits.filterValuesMax }),
    ),
    type: Type.Optional(Type.Array(Type.Enum([...ENTRY_TYPES]), { maxItems: limits.filterValuesMax })),
    ticket: Type.Optional(Type.String({ description: 'In place of the key, from POST /v1/tickets' })),
    poll: Type.Optional(Type.Enum(['0', '1'], { description: '1: answer what is there as JSON, and close' })),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: limits.readEntriesMax, default: 100, description: 'Entries of a poll' }),
    ),
  },
  // A filter that is misspelt must not let everything through.
  { additionalProperties: false },
);

const PollAnswer = Type.Object({
  stream: Type.String(),
  first: Type.Integer(),
  head: Type.Integer(),
  reset: Type.Boolean({ description: 'The id given belongs to another stream: reading restarts at earliest' }),
  gap: Type.Union([Type.Object({ from: Type.Integer(), to: Type.Integer() }), Type.Null()]),
  events: Type.Array(EntrySchema),
  last_event_id: Type.String({ description: 'Give it as last_event_id to go on' }),
  more: Type.Boolean({ description: 'There is more at once' }),
});

/** Where a reader starts. */
interface Start extends Pick<Subscription, 'after' | 'reset' | 'told'> {
  /** The seq in the id that it came with. */
  readonly given?: number;
}

/** Entries have an @name in lower case, those of before as it was written. */
const inAnyCase = (chats: readonly string[]): readonly string[] => [
  ...new Set(chats.flatMap((chat) => [chat, chat.toLowerCase()])),
];

/**
 * `GET /v1/events`: the journal as a stream (SSE or NDJSON), or page by page. `GET /v1/messages/events`: the same of the
 * messages that the caller's own key posted.
 */
export function eventRoutes(app: App, parts: HttpParts): void {
  const { journal, keyring, operators } = parts;
  const streams = createPlaces({
    perKeyMax: parts.streamsPerKeyMax ?? limits.streamsPerKeyMax,
    max: parts.streamsMax ?? limits.streamsMax,
    ...{ of: 'open streams', code: 'too_many_streams', retryAfterMs: limits.reconnectMs },
  });

  const schema = {
    description: 'Accept: text/event-stream (or none), application/x-ndjson, or ?poll=1 for one page of JSON.',
    querystring: Query,
    headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ description: '<stream>.<seq>' })) }),
    response: { 200: AsText({ ...PollAnswer, description: 'A page (?poll=1), or the stream' }) },
  };
  const all = { ...schema, tags: ['events'], summary: 'Read the journal, live or from any earlier entry' };
  const own = { ...schema, tags: ['messages'], summary: 'What becomes of the messages that this key posted' };

  // A HEAD of a stream would open one.
  const options = { exposeHeadRoute: false };
  app.get(
    '/v1/events',
    { ...options, schema: all, config: { scope: 'read', stream: true, ticket: true } },
    (request, reply) => {
      const { chat = [], type: types = null } = request.query;
      return answer(request, reply, { chats: visibleChats(callerOf(request), inAnyCase(chat)), types });
    },
  );
  app.get(
    '/v1/messages/events',
    { ...options, schema: own, config: { scope: 'write', stream: true } },
    (request, reply) => {
      const { chat = null, type: types = null } = request.query;
      // What a key posted it may follow, also where its chat has a new id since.
      return answer(request, reply, {
        chats: chat === null ? null : inAnyCase(chat),
        types,
        owner: callerOf(request).id,
      });
    },
  );

  async function answer(
    request: FastifyRequest<{ Querystring: Static<typeof Query> }>,
    reply: FastifyReply,
    filter: ReaderFilter,
  ) {
    const key = callerOf(request);
    const { poll, limit = 100 } = request.query;
    const id = lastEventId(request, request.query.last_event_id);
    const isVeiled = key.chats !== null || !mayAccess(key, 'read');
    takePlace(poll === '1' ? parts.answers : streams, key, reply);
    const { after, reset, told } = await placeOf(id, request.query.from ?? 'latest', isVeiled ? filter : null);
    // It may have ended meanwhile, and what opens now nobody would close.
    requireActive(keyring, key);
    if (poll === '1') {
      const page = await pollAnswer({ ...filter, after, limit }, reset, told);
      return reply.type('application/json; charset=utf-8').send(page);
    }
    const format = /application\/x-ndjson/i.test(request.headers.accept ?? '') ? 'ndjson' : 'sse';
    const type = format === 'sse' ? 'text/event-stream; charset=utf-8' : 'application/x-ndjson; charset=utf-8';
    const sink = streamTo(reply, type, parts.stuckMs);
    void operators.subscribe({
      ...filter,
      ...(told === undefined ? {} : { told }),
      keyId: key.id,
      after,
      reset,
      format,
      sink,
    });
    return reply;
  }

  /**
   * Where a reader starts. An id of another stream, or beyond the head, is of a journal that is no more. `veil`: the filter of
   * a reader that may not know how long the journal is, as others wrote it too. It gets `told`, and not even learns whether
   * an id lies beyond the head.
   */
  async function placeOf(id: string | null, from: 'earliest' | 'latest', veil: ReaderFilter | null): Promise<Start> {
    const start = startOf(id, from, veil !== null);
    if (veil === null) return start;
    const { first, head } = journal.bounds();
    const given = start.given ?? (start.reset || from === 'earliest' ? first - 1 : null);
    const last = await lastVisible(journal, veil, (given ?? 0) + 1);
    const visible = last ?? given ?? first - 1;
    // A reader of what comes next resumes after the last entry that it may see, and need not look for it again.
    return { ...start, after: Math.min(start.after, head), told: { head: visible, after: given ?? visible } };
  }

  function startOf(id: string | null, from: 'earliest' | 'latest', isVeiled: boolean): Start {
    const { first, head } = journal.bounds();
    if (id === null) return { after: from === 'earliest' ? first - 1 : head, reset: false };
    const parsed = parseEventId(id);
    if (parsed === null) {
      const detail = `An event id has the form <stream>.<seq>, as in ${eventId(journal.stream, 42)}`;
      throw new SwitchboardError('event_id_malformed', detail, { field: 'last_event_id' });
    }
    const isBeyond = parsed.seq > head && !isVeiled;
    if (parsed.stream !== journal.stream || isBeyond) return { after: first - 1, reset: true };
    return { after: parsed.seq, reset: false, given: parsed.seq };
  }

  function takePlace(places: Places, key: Key, reply: FastifyReply): void {
    // It may have been revoked since the request came in.
    requireActive(keyring, key);
    try {
      places.take(key, reply.raw);
    } catch (error) {
      // Who opens more than it may does not keep the connection either.
      reply.header('connection', 'close');
      throw error;
    }
  }

  /** One answer of a poll: up to `limit` entries, and about limits.pageLengthMax of them. */
  async function pollAnswer(query: PageQuery, reset: boolean, told: Start['told']): Promise<string> {
    const texts: string[] = [];
    let { after } = query;
    let shown = told?.after ?? after;
    let gap = null;
    let more = true;
    let length = 0;
    // Bounded also where filters let little through: the next poll goes on from there.
    for (let pages = 0; more && pages < limits.pollPagesMax; pages += 1) {
      const wanted = Math.min(limits.pollPageEntries, query.limit - texts.length);
      const lengthMax = limits.pageLengthMax - length;
      if (wanted <= 0 || lengthMax <= 0) break;
      // The database reads while everybody waits: between its pages others have their turn.
      await new Promise((resolve) => setImmediate(resolve));
      const page = await operators.page({ ...query, after, limit: wanted, lengthMax });
      for (const text of page.texts) {
        texts.push(text);
        length += text.length;
      }
      gap ??= page.gap;
      after = page.after;
      shown = told === undefined ? after : (page.last ?? shown);
      more = !page.atHead;
    }
    const bounds = journal.bounds();
    const { first } = bounds;
    const head = told === undefined ? bounds.head : Math.max(told.head, shown);
    const last = JSON.stringify(eventId(journal.stream, shown));
    const envelope = JSON.stringify({ stream: journal.stream, first, head, reset, gap, more });
    return `${envelope.slice(0, -1)},"last_event_id":${last},"events":[${texts.join(',')}]}`;
  }
}

/** The id that a reader resumes from; null where it has none. An empty one is none: EventSource begins with it. */
function lastEventId(request: FastifyRequest, asked: string | undefined): string | null {
  const header = request.headers['last-event-id'];
  return (typeof header === 'string' && header !== '' ? header : asked) || null;
}
