import { Type } from 'typebox';
import {
  CHAT_STATUSES,
  ChatsPage,
  type Console,
  Place,
  type ReadMarks,
  SearchPage,
  StateCount,
  Transcript,
  type Viewer,
} from '../console/console.ts';
import { chatOfConversation } from '../conversations/conversations.ts';
import { SwitchboardError } from '../errors.ts';
import { type Key, mayAccess } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import { retryWhileLocked } from '../storage-fault.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf, requireChat } from './auth.ts';
import { createFileDoor } from './facade-files.ts';
import { goneOf } from './gone.ts';
import { overviewRoute } from './overview.ts';
import { Id, PageLimit } from './schemas.ts';

const tags = ['console'];
const config = { scope: 'read' } as const;
const ChatId = Id("A chat's id");
const Seq = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }));
const OneChat = Type.String({ maxLength: 64, pattern: '^(-?\\d{1,16}|@\\w{1,64})$' });

export interface ConsoleParts {
  readonly console: Console;
  readonly marks: ReadMarks;
}

/** `/v1/console`: chats by what happened last, their transcripts, a search over all of them. A key sees its own chats alone (I7). */
export function consoleRoutes(app: App, parts: HttpParts, { console, marks }: ConsoleParts): void {
  const { journal, api, answers, clock } = parts;
  const door = createFileDoor(parts);

  /** Who looks; at the first look all that there is counts as read. */
  async function viewerOf(key: Key): Promise<Viewer> {
    const { head } = journal.bounds();
    if (!begun.has(key.id)) await retryWhileLocked(clock, () => marks.begin(key.id, head));
    if (begun.size >= limits.keysMax) begun.clear();
    begun.add(key.id);
    return { keyId: key.id, chats: key.chats, admin: mayAccess(key, 'admin') };
  }
  const begun = new Set<string>();

  app.get(
    '/v1/console/chats',
    {
      schema: {
        tags,
        summary: 'Chats, the one where something happened last first',
        querystring: Type.Object(
          {
            id: Type.Optional(Type.Array(OneChat, { maxItems: limits.consoleChatsMax, description: 'Only these' })),
            status: Type.Optional(
              Type.Enum([...CHAT_STATUSES], {
                description: 'quarantined: stands still. unknown, scheduled: has a message that is',
              }),
            ),
            machine: Type.Optional(Type.String({ maxLength: 128 })),
            state: Type.Optional(Type.String({ maxLength: 1024, description: 'With a machine: the state it is in' })),
            unread: Type.Optional(Type.Enum(['0', '1'])),
            after: Type.Optional(Type.String({ maxLength: 128, description: 'The `next` of the page before' })),
            limit: PageLimit,
          },
          { additionalProperties: false },
        ),
        response: { 200: ChatsPage },
      },
      config,
    },
    async (request) => {
      const { id, status, machine, state, unread, after, limit = 100 } = request.query;
      const key = callerOf(request);
      for (const chat of id ?? []) requireChat(key, chat);
      return console.chats(await viewerOf(key), {
        ...{ status: status ?? null, machine: machine ?? null, state: state ?? null, unread: unread === '1' },
        ...{ ids: id ?? null, after: after ?? null, limit },
      });
    },
  );

  app.get(
    '/v1/console/states',
    {
      schema: {
        tags,
        summary: 'The states in which chats are',
        response: { 200: Type.Object({ states: Type.Array(StateCount) }) },
      },
      config,
    },
    async (request) => ({ states: [...(await console.states(await viewerOf(callerOf(request))))] }),
  );

  app.get(
    '/v1/console/chats/:id/transcript',
    {
      schema: {
        tags,
        summary: 'What was said in a chat, both ways, and what became of it',
        description: 'The newest lines; or those before a seq, after it, or around it.',
        params: ChatId,
        querystring: Type.Object(
          {
            before: Seq('The lines before this one'),
            after: Seq('The lines after this one'),
            around: Seq('Lines on both sides of this one'),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.consoleLinesMax, default: 50 })),
          },
          { additionalProperties: false },
        ),
        response: { 200: Transcript },
      },
      config,
    },
    async (request, reply) => {
      const { before = null, after = null, around = null, limit = 50 } = request.query;
      const key = callerOf(request);
      const chat = chatFor(key, request.params.id);
      answers.take(key, reply.raw);
      return console.transcript(await viewerOf(key), chat, { before, after, around, limit });
    },
  );

  app.post(
    '/v1/console/chats/:id/read',
    {
      schema: {
        tags,
        summary: 'This key has read the chat up to there',
        params: ChatId,
        body: Type.Object({ seq: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
        response: { 204: Type.Null({ description: 'Noted' }) },
      },
      config,
    },
    async (request, reply) => {
      const key = callerOf(request);
      const chat = chatFor(key, request.params.id);
      await viewerOf(key);
      const seq = Math.min(request.body.seq, journal.bounds().head);
      await retryWhileLocked(clock, () => marks.set(key.id, chat, seq));
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/console/search',
    {
      schema: {
        tags,
        summary: 'Finds words in what was said, the newest first, and chats by their name',
        querystring: Type.Object(
          {
            q: Type.String({ maxLength: limits.consoleSearchLengthMax }),
            chat: Type.Optional(OneChat),
            before: Seq('The `next` of the page before'),
            limit: Type.Optional(
              Type.Integer({ minimum: 1, maximum: limits.consoleHitsMax, default: limits.consoleHitsMax }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: SearchPage },
      },
      config,
    },
    async (request) => {
      const { q: text, chat = null, before = null, limit = limits.consoleHitsMax } = request.query;
      const key = callerOf(request);
      if (chat !== null) requireChat(key, chat);
      return console.search(await viewerOf(key), { text, chat, before, limit });
    },
  );

  app.get(
    '/v1/console/entries/:seq',
    {
      schema: {
        tags,
        summary: 'Where an entry is shown: its chat, and the line',
        params: Type.Object({ seq: Type.Integer({ minimum: 1 }) }),
        response: { 200: Place },
      },
      config,
    },
    async (request) => {
      const place = await console.place(await viewerOf(callerOf(request)), request.params.seq);
      if (place !== null) return place;
      throw new SwitchboardError('not_found', 'There is no such entry in a chat of this key');
    },
  );

  app.get(
    '/v1/console/file',
    {
      // A HEAD of a file would fetch it.
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'A file that was sent, by its file_id',
        querystring: Type.Object(
          { file_id: Type.String({ minLength: 1, maxLength: 512 }) },
          { additionalProperties: false },
        ),
      },
      config,
    },
    async (request, reply) => {
      const key = callerOf(request);
      const gone = goneOf(reply);
      const file: unknown = await api
        .call('getFile', { file_id: request.query.file_id }, { signal: gone })
        .catch(noFile);
      door.note(key, file);
      const { file_path: path } = Object(file);
      if (typeof path !== 'string') throw new SwitchboardError('not_found', 'Telegram gives no such file out');
      await door.send(key, path, reply, gone).catch(noFile);
      return reply;
    },
  );

  overviewRoute(app, parts);
}

/** Telegram refuses, or does not answer: to a viewer there is no file. What we refuse ourselves stays as it is. */
function noFile(error: unknown): never {
  if (error instanceof SwitchboardError) throw error;
  throw new SwitchboardError('not_found', 'Telegram does not give this file out', { cause: error });
}

/** The chat of an id, also an @name. Throws scope_missing where the key is not for it, not_found where it is none. */
function chatFor(key: Key, id: string): string {
  const chat = /^@\w{1,64}$/.test(id) ? id : chatOfConversation(id);
  requireChat(key, chat);
  if (chat !== null) return chat;
  throw new SwitchboardError('not_found', 'This is no id of a chat');
}
