import { Type } from 'typebox';
import type { App, HttpParts } from './app.ts';

const Outbox = Type.Object({
  held_since: Type.Union([Type.String(), Type.Null()], {
    description: 'Since when nothing is sent, because the data folder is a copy; null: messages are sent',
  }),
  waiting: Type.Integer({ description: 'Messages that are queued or scheduled' }),
});
const ReleaseBody = Type.Object(
  {
    cancel: Type.Optional(
      Type.Boolean({ description: 'Cancel the messages that came with the copy; those accepted since then are sent' }),
    ),
  },
  { additionalProperties: false },
);

const tags = ['messages'];
const config = { scope: 'admin' } as const;

/** `/v1/outbox`: whether messages are sent. After a restore from a backup they are held until an admin releases them. */
export function outboxRoutes(app: App, { outbox, log }: HttpParts): void {
  app.get(
    '/v1/outbox',
    { schema: { tags, summary: 'Whether messages are sent, and how many wait', response: { 200: Outbox } }, config },
    async () => {
      const { hold, waiting } = await outbox.held();
      return { held_since: hold === null ? null : new Date(hold.since).toISOString(), waiting };
    },
  );

  app.post(
    '/v1/outbox/release',
    {
      schema: {
        tags,
        summary: 'Send messages again, in a copy of a data folder',
        body: ReleaseBody,
        response: { 200: Type.Object({ canceled: Type.Integer() }) },
      },
      config: { ...config, audit: { act: 'outbox.released', fields: ['cancel'] } },
    },
    async (request) => {
      const { canceled } = await outbox.release(request.body.cancel === true);
      log.info({ event: 'outbox_released', canceled }, 'messages are sent again');
      return { canceled };
    },
  );
}
