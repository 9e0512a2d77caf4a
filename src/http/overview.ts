import { Type } from 'typebox';
import { mayAccess } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { STATUS_NAMES } from '../status.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf } from './auth.ts';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

const Figures = Type.Object({
  head: Type.Integer({ description: 'The last seq' }),
  updates: Type.Integer({ description: 'Taken from Telegram since the start' }),
  last_poll_at: nullable(Type.String()),
  outbox: Type.Integer({ description: 'Messages that wait' }),
  sending: Type.Integer(),
  sent: Type.Integer({ description: 'Since the start' }),
  chats_in_memory: Type.Integer(),
  requests: Type.Integer({ description: 'To the backend, without an answer' }),
});

const Reader = Type.Object({
  name: Type.String(),
  kind: Type.String({ description: 'stream, or getUpdates' }),
  state: Type.String(),
  lag: Type.Integer(),
});

const Overview = Type.Object({
  now: Type.String(),
  parts: Type.Array(Type.Object({ name: Type.String(), state: Type.String(), detail: nullable(Type.String()) })),
  operators: nullable(
    Type.Object({ connected: Type.Integer(), behind: Type.Integer(), lag: Type.Integer(), polling: Type.Integer() }),
  ),
  figures: nullable(Figures),
  held_since: nullable(
    Type.String({ description: 'For admins: since when the outbox is held, as these data are a copy' }),
  ),
  readers: nullable(Type.Array(Reader, { description: 'For admins: who reads, the furthest behind first' })),
});

const READERS_SHOWN = 50;

/** `GET /v1/console/overview`: how Switchboard is. Figures that tell of all chats are for keys that see all. */
export function overviewRoute(app: App, { status, operators, outbox, updates, keyring, clock }: HttpParts): void {
  app.get(
    '/v1/console/overview',
    {
      schema: {
        tags: ['console'],
        summary: 'How the parts of Switchboard are, in figures',
        response: { 200: Overview },
      },
      config: { scope: 'read' },
    },
    async (request) => {
      const key = callerOf(request);
      const now = status.getSnapshot().context;
      const { connected, behind, lag, polling } = now.operators;
      const { lastPollAt } = now.poller;
      const isAdmin = mayAccess(key, 'admin') && key.chats === null;
      const { hold } = await outbox.held();
      return {
        now: new Date(clock.now()).toISOString(),
        parts: STATUS_NAMES.map((name) => ({
          name,
          ...now.parts[name],
          ...(key.chats === null ? {} : { detail: null }),
        })),
        operators: key.chats !== null ? null : { connected, behind, lag, polling },
        figures:
          key.chats !== null
            ? null
            : {
                head: now.journal.head,
                updates: now.poller.updates,
                last_poll_at: lastPollAt === null ? null : new Date(lastPollAt).toISOString(),
                outbox: now.outbox.depth,
                sending: now.outbox.inFlight,
                sent: now.outbox.sent,
                chats_in_memory: now.conversations.live,
                requests: now.backend.inFlight + now.backend.waiting,
              },
        held_since: isAdmin && hold !== null ? new Date(hold.since).toISOString() : null,
        readers: isAdmin ? readers() : null,
      };
    },
  );

  function readers() {
    const names = new Map(keyring.list().map(({ id, name }) => [id, name]));
    const streams = operators
      .list({ after: 0, limit: limits.pageSizeMax })
      .map(({ keyId, state, lag }) => ({ name: names.get(keyId) ?? keyId, kind: 'stream', state, lag }));
    const polls = updates.list().map(({ keyId, polling, lag }) => {
      return { name: names.get(keyId) ?? keyId, kind: 'getUpdates', state: polling ? 'polling' : 'away', lag };
    });
    return [...streams, ...polls].sort((a, b) => b.lag - a.lag).slice(0, READERS_SHOWN);
  }
}
