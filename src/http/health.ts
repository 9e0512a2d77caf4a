import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type Keyring, mayAccess } from '../keys/keys.ts';
import { STATUS_NAMES } from '../status.ts';
import type { App, HttpParts } from './app.ts';
import { bearerOf } from './auth.ts';
import type { Metrics } from './metrics.ts';

const Detail = Type.Union([Type.String(), Type.Null()], { description: 'Why, and what to do' });
const Part = Type.Object({
  state: Type.String({ description: 'starting, up, degraded, restarting or stopped' }),
  detail: Type.Optional(Detail),
});
const Readers = Type.Object({
  connected: Type.Integer({ description: 'Open streams' }),
  behind: Type.Integer({ description: 'Of these, such as have not got everything yet' }),
  lag: Type.Integer({ description: 'Entries that the one furthest behind has not got yet' }),
  bytes: Type.Integer({ description: 'Written to readers since the start' }),
  polling: Type.Integer({ description: 'Polls of keys under way' }),
});
const Ready = Type.Object({
  ready: Type.Boolean({ description: 'Requests are taken' }),
  state: Type.String({ description: 'starting, ready, stopping or failed' }),
  detail: Type.Optional(Detail),
  parts: Type.Record(Type.String(), Part),
  operators: Type.Optional(Readers),
});

const tags = ['health'];

/** `/livez`: the process runs. `/readyz`: requests are taken, and how each part is. `/metrics`: figures, for Prometheus. */
export function healthRoutes(app: App, { status, keyring }: HttpParts, metrics: Metrics): void {
  app.get(
    '/livez',
    {
      schema: { tags, summary: 'Whether the process runs', response: { 200: Type.Object({ status: Type.String() }) } },
      config: { always: true },
    },
    async () => ({ status: 'ok' }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'Whether requests are taken, and how each part is',
        description: 'Reasons and figures are for keys that may read all chats; anybody gets the states.',
        response: { 200: Ready, 503: Ready },
      },
    },
    async (request, reply) => {
      const { service, parts, operators } = status.getSnapshot().context;
      const ready = service.state === 'ready';
      reply.code(ready ? 200 : 503);
      if (!mayKnowWhy(keyring, request)) {
        const states = Object.fromEntries(STATUS_NAMES.map((name) => [name, { state: parts[name].state }]));
        return reply.send({ ready, state: service.state, parts: states });
      }
      const { connected, behind, lag, bytes, polling } = operators;
      const readers = { connected, behind, lag, bytes, polling };
      return reply.send({ ready, ...service, parts: { ...parts }, operators: readers });
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: 'Figures in the text form of Prometheus',
        produces: ['text/plain'],
        response: { 200: Type.String() },
      },
      config: { scope: 'metrics' },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );
}

/** Reasons may name a chat, or the team's own hosts. A key that is not valid is as good as none: probes outlive keys. */
function mayKnowWhy(keyring: Keyring, request: FastifyRequest): boolean {
  const text = bearerOf(request);
  const key = text === null ? null : keyring.verify(text);
  return key !== null && key.chats === null && (mayAccess(key, 'read') || mayAccess(key, 'admin'));
}
