import { Type } from 'typebox';
import { PART_NAMES } from '../status.ts';
import type { App, HttpParts } from './app.ts';
import type { Metrics } from './metrics.ts';

const Part = Type.Object({ state: Type.String(), detail: Type.Union([Type.String(), Type.Null()]) });
const Readers = Type.Object({
  connected: Type.Integer({ description: 'Open streams' }),
  behind: Type.Integer({ description: 'Of these, such as have not got everything yet' }),
  lag: Type.Integer({ description: 'Entries that the one furthest behind has not got yet' }),
  bytes: Type.Integer({ description: 'Written to readers since the start' }),
  polling: Type.Integer({ description: 'Polls of keys under way' }),
});
const Ready = Type.Object({ ready: Type.Boolean(), parts: Type.Record(Type.String(), Part), operators: Readers });

const tags = ['health'];

/** `/livez`: the process runs. `/readyz`: every part is up. `/metrics`: figures, for admins. */
export function healthRoutes(app: App, { status }: HttpParts, metrics: Metrics): void {
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
      schema: { tags, summary: 'Whether every part is up', response: { 200: Ready, 503: Ready } },
    },
    async (_request, reply) => {
      const { parts, operators } = status.getSnapshot().context;
      const ready = PART_NAMES.every((name) => parts[name].state === 'up');
      const { connected, behind, lag, bytes, polling } = operators;
      return reply
        .code(ready ? 200 : 503)
        .send({ ready, parts: { ...parts }, operators: { connected, behind, lag, bytes, polling } });
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
      config: { scope: 'admin' },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );
}
