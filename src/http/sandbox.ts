import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { parseEventId } from '../operators/operators.ts';
import { requireOwnPage } from '../own-page.ts';
import type { Overview, Playground, PlaygroundFile, Transcript } from '../sandbox/sandbox.ts';
import type { App, HttpParts } from './app.ts';
import { streamTo } from './response-sink.ts';

const tags = ['sandbox'];

/** What the page asks of the sandbox's control API: chats, what is done in them, users, faults. Nothing of the bot itself. */
const CONTROLS = /^(?:chats(?:\/-?\d{1,16}(?:\/(?:messages(?:\/\d{1,16})?|callbacks|block|unblock))?)?|users|faults)$/;

const ChatId = Type.Object({ id: Type.String({ pattern: '^-?[1-9]\\d{0,15}$', description: "Telegram's chat id" }) });

const Told = (description: string) => Type.Unknown({ description });
const OverviewView = Type.Object({
  startedAt: Type.Integer({ description: 'ms since 1970: another one is another sandbox' }),
  me: Told("The bot, Telegram's User"),
  chats: Type.Array(Told("Telegram's Chat, closed_to_bot, migrated_to, message_count, members, and its last message")),
  users: Type.Array(Told("Telegram's User")),
  offline: Type.Boolean({ description: 'Nobody reaches the Bot API' }),
  faults: Type.Array(Told('What goes wrong with the next calls')),
  examples: Type.Record(Type.String(), Type.Union([Type.Array(Type.String()), Type.Null()]), {
    description:
      "By kind of chat: what to write to its machine, as the machine's own examples say; null: no machine runs it",
  }),
});
const QuarantinedView = Type.Object({
  quarantined: Type.Array(Type.Object({ id: Type.String(), error: Type.String() }), {
    description: "The chat's conversations that are quarantined, and why",
  }),
});
const TranscriptView = Type.Object({
  chat: Told('As in the list of chats; null: nobody has written there yet'),
  messages: Type.Array(Told("Telegram's Message, with its whole keyboard")),
});

export interface SandboxParts {
  readonly playground: Playground;
  /** By kind of chat: what users may write; null: no machine runs such chats. */
  readonly examples: Readonly<Record<string, readonly string[] | null>>;
  readonly host: string;
}

/** Who reads for the page: no key's id has this form. */
const READER = 'sandbox page';

/**
 * `/v1/sandbox`: the pretend users of Switchboard's own bot, for the page that chats with it. There is no key: whoever
 * reaches the port may be any of these users, as at the sandbox's own port, and learns of nothing but their chats. A
 * browser, though, must do so for this very page: not for another site, nor for one whose name was turned to this
 * machine's address.
 */
export async function sandboxRoutes(
  app: App,
  { journal, operators, closing, stuckMs }: HttpParts,
  { playground, examples, host }: SandboxParts,
): Promise<void> {
  const onRequest = async (request: FastifyRequest): Promise<void> => requireOwnPage(request.headers, host);

  let reading = 0;

  app.get(
    '/v1/sandbox',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Pretend users, their chats, and what goes wrong with calls to Telegram',
        response: { 200: Type.Unsafe<Overview & Pick<SandboxParts, 'examples'>>(OverviewView) },
      },
    },
    async () => ({ ...playground.overview(), examples }),
  );

  app.get(
    '/v1/sandbox/feed',
    {
      onRequest,
      schema: { tags, summary: 'What happens in the chats, both ways, as server-sent events' },
      config: { stream: true },
      exposeHeadRoute: false,
    },
    (_request, reply) => {
      const { raw } = reply;
      raw.setHeader('connection', 'close');
      playground.watch(raw);
      reply.hijack();
      const end = (): void => void raw.end();
      closing.addEventListener('abort', end, { once: true });
      raw.on('close', () => closing.removeEventListener('abort', end));
    },
  );

  app.get(
    '/v1/sandbox/chats/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: "A chat's messages, both ways, in order",
        params: ChatId,
        response: { 200: Type.Unsafe<Transcript>(TranscriptView) },
      },
    },
    async (request) => playground.transcript(Number(request.params.id)),
  );

  app.get(
    '/v1/sandbox/chats/:id/quarantined',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Which conversations of a chat are quarantined',
        params: ChatId,
        response: { 200: QuarantinedView },
      },
    },
    async (request) => {
      const chats = [request.params.id];
      const found = await journal.quarantined({ after: null, limit: limits.pageSizeMax, chats });
      return { quarantined: found.map(({ id, error }) => ({ id, error: error ?? '' })) };
    },
  );

  app.get(
    '/v1/sandbox/chats/:id/entries',
    {
      onRequest,
      schema: {
        tags,
        summary: "A chat's journal from a time on, as server-sent events",
        params: ChatId,
        querystring: Type.Object({ since: Type.Integer({ minimum: 0, description: 'ms since 1970' }) }),
      },
      config: { stream: true },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      if (reading >= limits.sandboxReadersMax) {
        throw new SwitchboardError('too_many_streams', 'As many pages as may look at chats do so already');
      }
      const resumed = parseEventId(String(request.headers['last-event-id'] ?? ''));
      const { head } = journal.bounds();
      const after =
        resumed?.stream === journal.stream && resumed.seq <= head
          ? resumed.seq
          : (await journal.seqAt(request.query.since)) - 1;
      const sink = streamTo(reply, 'text/event-stream; charset=utf-8', stuckMs);
      const filter = { chats: [request.params.id], types: null };
      reading += 1;
      void operators.subscribe({ ...filter, keyId: READER, after, reset: false, format: 'sse', sink }).finally(() => {
        reading -= 1;
      });
    },
  );

  app.get(
    '/v1/sandbox/files/:id',
    {
      onRequest,
      schema: {
        tags,
        summary: 'A file that was sent in a chat',
        params: Type.Object({ id: Type.String({ pattern: '^[\\w-]{1,128}$' }) }),
      },
    },
    async (request, reply) => {
      const file = playground.file(request.params.id);
      if (file === null) throw new SwitchboardError('not_found', 'There is no such file, or the sandbox forgot it');
      return sendFile(reply, file);
    },
  );

  app.post(
    '/v1/sandbox/offline',
    {
      onRequest,
      schema: {
        tags,
        summary: 'Take the Bot API off the network, or bring it back',
        body: Type.Object({ offline: Type.Boolean() }, { additionalProperties: false }),
        response: { 200: Type.Object({ offline: Type.Boolean() }) },
      },
    },
    async ({ body: { offline } }) => {
      await playground.setOffline(offline);
      return { offline };
    },
  );

  await app.register(async (scope: App) => {
    // The sandbox reads the body: a file in it is not parsed twice.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.route({
      method: ['POST', 'DELETE'],
      url: '/v1/sandbox/control/*',
      onRequest,
      bodyLimit: limits.sandboxFileBodyBytesMax,
      schema: { hide: true },
      handler: async ({ method, url, body }) => {
        const path = url.slice('/v1/sandbox/control/'.length);
        if (!CONTROLS.test(path)) throw new SwitchboardError('not_found', 'The page has no such control');
        return playground.control(method, path, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
      },
    });
  });
}

/**
 * Pictures are shown, by what they are and not by what they are called. Anything else is only kept: a page that
 * somebody sends must not run as one of ours.
 */
function sendFile(reply: FastifyReply, { bytes, fileName, picture }: PlaygroundFile) {
  const name = encodeURIComponent(fileName || 'file');
  return reply
    .headers({
      'content-type': picture === null ? 'application/octet-stream' : `image/${picture}`,
      'content-disposition': `${picture === null ? 'attachment' : 'inline'}; filename*=UTF-8''${name}`,
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=3600',
    })
    .send(Buffer.from(bytes));
}
