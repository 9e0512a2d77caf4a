import { Readable } from 'node:stream';
import { Type } from 'typebox';
import { type Erasing, erasureView, isChatId } from '../erase/erase.ts';
import { SwitchboardError } from '../errors.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf } from './auth.ts';
import { Id } from './schemas.ts';

const MaybeText = Type.Union([Type.String(), Type.Null()]);
const MaybeSeq = (description: string) => Type.Union([Type.Integer(), Type.Null()], { description });

const ErasureView = Type.Object(
  {
    number: Type.Integer(),
    chat: Type.Union([Type.String(), Type.Null()], { description: 'null once it is done' }),
    status: Type.Enum(['under_way', 'done']),
    asked_at: Type.String(),
    done_at: MaybeText,
    through: MaybeSeq('The last entry that it covers; null: messages to the chat are still being sent'),
    position: Type.Integer({ description: 'The last entry that was looked at' }),
    entries: Type.Integer({ description: 'Entries that have become stubs' }),
    mentions: Type.Integer({ description: 'Entries of others that lost what was of the chat or user in them' }),
    seq: MaybeSeq('Of its chat.erased entry'),
  },
  { description: 'An erasure' },
);

const ChatId = Id("Telegram's id of a chat. That of a private chat is its user's too");
const tags = ['privacy'];
const config = { scope: 'admin' } as const;

/** Export and erasure of all that there is of a chat or a user, for admins. */
export function eraseRoutes(app: App, { answers, log }: HttpParts, erasing: Erasing): void {
  app.get(
    '/v1/chats/:id/export',
    {
      schema: { tags, summary: 'All there is of a chat or a user, a JSON object a line', params: ChatId },
      config: { ...config, audit: { act: 'chat.exported' } },
    },
    async (request, reply) => {
      const chat = chatOf(request.params.id);
      answers.take(callerOf(request), reply.raw);
      const lines = Readable.from(withLineEnds(erasing.exported(chat)), { objectMode: false });
      return reply.type('application/x-ndjson; charset=utf-8').send(lines);
    },
  );

  app.post(
    '/v1/chats/:id/erase',
    {
      schema: {
        tags,
        summary: 'Erase all there is of a chat or a user',
        params: ChatId,
        response: { 202: ErasureView },
      },
      config: { ...config, audit: { act: 'chat.erased' } },
    },
    async (request, reply) => {
      const erasure = await erasing.order(chatOf(request.params.id));
      log.info({ event: 'erase_ordered', number: erasure.number }, 'a chat is to be erased');
      return reply.code(202).header('location', `/v1/erasures/${erasure.number}`).send(erasureView(erasure));
    },
  );

  app.get(
    '/v1/erasures',
    {
      schema: {
        tags,
        summary: 'Erasures under way, and the latest that are done',
        response: { 200: Type.Object({ erasures: Type.Array(ErasureView) }) },
      },
      config,
    },
    async () => ({ erasures: (await erasing.orders()).map(erasureView) }),
  );

  app.get(
    '/v1/erasures/:number',
    {
      schema: {
        tags,
        summary: 'How far an erasure is',
        params: Type.Object({ number: Type.Integer({ minimum: 1 }) }),
        response: { 200: ErasureView },
      },
      config,
    },
    async (request) => {
      const found = (await erasing.orders()).find(({ number }) => number === request.params.number);
      if (found === undefined) throw new SwitchboardError('not_found', 'There is no such erasure, or it is long done');
      return erasureView(found);
    },
  );
}

function chatOf(id: string): string {
  if (isChatId(id)) return id;
  throw new SwitchboardError('not_found', 'This is no id of a chat: digits, with a minus before those of a group');
}

async function* withLineEnds(lines: AsyncGenerator<string>): AsyncGenerator<Buffer> {
  for await (const line of lines) yield Buffer.from(`${line}\n`);
}
