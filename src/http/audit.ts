import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ACTS, type Actor, type AuditEntry } from '../audit/audit.ts';
import type { App, HttpParts } from './app.ts';
import { PageLimit } from './schemas.ts';

const MaybeText = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const Entry = Type.Object({
  seq: Type.Integer(),
  at: Type.String(),
  act: Type.Enum([...ACTS]),
  key: MaybeText('The id of the key that did it; null: none, as on the command line'),
  name: MaybeText("The key's name, or that of the machine's user"),
  from: Type.String({ description: 'The address, or "command line"' }),
  subject: MaybeText('The id of the key, message or chat that it was done to'),
  detail: Type.Unknown({ description: 'What else there is to say; null: nothing' }),
  count: Type.Integer({ description: 'How often: log-ins and refusals are one entry a minute and source' }),
});

const viewOf = ({ seq, at, act, keyId, name, origin, subject, detail, count }: AuditEntry) => ({
  ...{ seq, at: new Date(at).toISOString(), act, key: keyId, name, from: origin, subject, detail, count },
});

/** The actor of a request, for the audit log. */
export const actorOf = ({ caller, ip }: FastifyRequest): Actor => ({
  ...{ keyId: caller?.id ?? null, name: caller?.name ?? null, origin: ip },
});

/** `GET /v1/audit`: what was done, by whom, for admins. */
export function auditRoutes(app: App, { audit }: HttpParts): void {
  app.get(
    '/v1/audit',
    {
      schema: {
        tags: ['audit'],
        summary: 'What was done by whom, the newest first',
        querystring: Type.Object(
          {
            act: Type.Optional(Type.Enum([...ACTS])),
            key: Type.Optional(Type.String({ maxLength: 64, description: 'What the key with this id did' })),
            after: Type.Optional(Type.Integer({ minimum: 1, description: 'The `next` of the page before' })),
            limit: PageLimit,
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({ entries: Type.Array(Entry), next: Type.Union([Type.Integer(), Type.Null()]) }),
        },
      },
      config: { scope: 'admin' },
    },
    async (request) => {
      const { act = null, key: keyId = null, after: before = null, limit = 100 } = request.query;
      const entries = audit.page({ before, limit, act, keyId });
      return { entries: entries.map(viewOf), next: entries.length < limit ? null : (entries.at(-1)?.seq ?? null) };
    },
  );
}

/** Notes what a route has done, before its answer goes out: once the caller knows, the log does. */
export async function noteAct(audit: HttpParts['audit'], request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { audit: noted } = request.routeOptions.config;
  if (noted === undefined || reply.statusCode > 299) return;
  const { act, fields = [] } = noted;
  const given = { ...Object(request.query), ...Object(request.body) };
  const said = fields.filter((name) => given[name] !== undefined).map((name) => [name, given[name]] as const);
  // A new thing has an address, which tells less of a user than the chat's id does.
  const made = reply.getHeader('location');
  const { id = null } = Object(request.params);
  const subject = typeof made === 'string' ? made : id;
  const detail = said.length === 0 ? null : Object.fromEntries(said);
  await audit.note({ act, ...actorOf(request), subject, detail });
}
