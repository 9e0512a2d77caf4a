import { type Static, Type } from 'typebox';
import type { OpenStream, QueuePoller } from '../operators/operators.ts';
import type { App, HttpParts } from './app.ts';
import { PageLimit } from './schemas.ts';

const MaybeList = Type.Union([Type.Array(Type.String()), Type.Null()], { description: 'null: all' });

const StreamView = Type.Object(
  {
    id: Type.Integer({ description: 'Counts the streams since the start' }),
    key: Type.Object({ id: Type.String(), name: Type.Union([Type.String(), Type.Null()]) }),
    since: Type.String({ format: 'date-time' }),
    format: Type.String({ description: 'sse or ndjson' }),
    chats: MaybeList,
    types: MaybeList,
    state: Type.String({
      description: 'live: takes what comes. behind: reads the journal. blocked: its connection is full',
    }),
    after: Type.Integer({ description: 'The seq that was written to it last' }),
    lag: Type.Integer({ description: 'Entries after that one' }),
    bytes: Type.Integer({ description: 'Written to it' }),
    pending: Type.Integer({ description: 'Of these, bytes that its connection has not taken yet' }),
  },
  { description: 'An open stream' },
);

const PollerView = Type.Object(
  {
    key: Type.Object({ id: Type.String(), name: Type.Union([Type.String(), Type.Null()]) }),
    chats: MaybeList,
    polling: Type.Boolean({ description: 'A poll of it is under way' }),
    polled_at: Type.String({ format: 'date-time', description: 'When its last poll came' }),
    after: Type.Integer({ description: 'The seq up to which it has confirmed' }),
    lag: Type.Integer({ description: 'Entries after that one' }),
    bytes: Type.Integer({ description: 'Of updates, given to it' }),
  },
  { description: 'A key that reads by getUpdates' },
);

/** `GET /v1/operators`: who reads, and how far they are. For admins. */
export function operatorRoutes(app: App, { operators, updates, keyring, status }: HttpParts): void {
  app.get(
    '/v1/operators',
    {
      schema: {
        tags: ['events'],
        summary: 'Open streams and keys that poll, and how far each is',
        querystring: Type.Object({
          after: Type.Optional(Type.Integer({ minimum: 0, description: 'The `next` of the page before' })),
          limit: PageLimit,
        }),
        response: {
          200: Type.Object({
            connected: Type.Integer(),
            operators: Type.Array(StreamView),
            next: Type.Union([Type.Integer(), Type.Null()]),
            pollers: Type.Array(PollerView, {
              description: 'Since the start, the last to poll first. Only on the first page',
            }),
          }),
        },
      },
      config: { scope: 'admin' },
    },
    async (request) => {
      const { after = 0, limit = 100 } = request.query;
      const page = operators.list({ after, limit });
      const names = new Map(keyring.list().map(({ id, name }) => [id, name]));
      const next = page.length < limit ? null : (page.at(-1)?.id ?? null);
      const { connected } = status.getSnapshot().context.operators;
      const pollers = after > 0 ? [] : updates.list().map((poller) => pollerView(poller, names));
      return { connected, operators: page.map((stream) => streamView(stream, names)), next, pollers };
    },
  );
}

function streamView(stream: OpenStream, names: ReadonlyMap<string, string>): Static<typeof StreamView> {
  const { keyId, since, chats, types, ...figures } = stream;
  return {
    ...figures,
    key: { id: keyId, name: names.get(keyId) ?? null },
    since: new Date(since).toISOString(),
    chats: chats && [...chats],
    types: types && [...types],
  };
}

function pollerView(poller: QueuePoller, names: ReadonlyMap<string, string>): Static<typeof PollerView> {
  const { keyId, polledAt, chats, ...figures } = poller;
  return {
    ...figures,
    key: { id: keyId, name: names.get(keyId) ?? null },
    chats: chats && [...chats],
    polled_at: new Date(polledAt).toISOString(),
  };
}
