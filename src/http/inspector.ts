import { Type } from 'typebox';
import { chatOfConversation } from '../conversations/conversations.ts';
import { SwitchboardError } from '../errors.ts';
import {
  Chart,
  ChatInState,
  ChatNow,
  type Feed,
  type Inspector,
  StateCounts,
  StepPage,
} from '../inspector/inspector.ts';
import type { Key } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf, requireChat } from './auth.ts';
import { Id, PageLimit } from './schemas.ts';

const tags = ['inspector'];
const config = { scope: 'admin' } as const;
const MachineId = Id("A machine's name, as in machines/<name>.machine.ts");
const ChatId = Id("A conversation's id");

export interface InspectorParts {
  readonly inspector: Inspector;
  readonly feed: Feed;
  /** The bot is the sandbox's. */
  readonly sandbox: boolean;
}

/** `/v1/inspector`: machines as they can be drawn, how many chats are in each state, and chats through time. */
export function inspectorRoutes(
  app: App,
  { inspector, sandbox, answers }: Omit<InspectorParts, 'feed'> & Pick<HttpParts, 'answers'>,
): void {
  app.get(
    '/v1/inspector/machines',
    {
      schema: {
        tags,
        summary: 'Every machine, as it can be drawn',
        response: {
          200: Type.Object({
            machines: Type.Array(Chart),
            sandbox: Type.Boolean({ description: 'Its users are pretend users: test events do no harm' }),
          }),
        },
      },
      config,
    },
    async () => ({ machines: [...inspector.charts], sandbox }),
  );

  app.get(
    '/v1/inspector/machines/:id/states',
    {
      schema: {
        tags,
        summary: 'How many chats are in each state, as of a moment ago',
        params: MachineId,
        response: { 200: Type.Intersect([StateCounts, Type.Object({ live: Type.Unknown() })]) },
      },
      config,
    },
    async (request) => {
      const machine = machineOf(request.params.id);
      requireAllChats(callerOf(request));
      return { ...(await inspector.counts(machine)), live: inspector.liveState(machine) };
    },
  );

  app.get(
    '/v1/inspector/machines/:id/chats',
    {
      schema: {
        tags,
        summary: 'The chats in a state',
        description: 'A page may come with few chats, or none, and a `next`: it looks at so many at most.',
        params: MachineId,
        querystring: Type.Object({
          state: Type.Optional(Type.String({ maxLength: 1024, description: "A state's path; left out: any" })),
          after: Type.Optional(Type.String({ maxLength: 64, description: 'The `next` of the page before' })),
          limit: PageLimit,
        }),
        response: {
          200: Type.Object({ chats: Type.Array(ChatInState), next: Type.Union([Type.String(), Type.Null()]) }),
        },
      },
      config,
    },
    async (request) => {
      const { state = '', after = null, limit = 100 } = request.query;
      const machine = machineOf(request.params.id);
      requireAllChats(callerOf(request));
      const page = await inspector.chatsIn(machine, { state, after, limit });
      return { chats: [...page.chats], next: page.next };
    },
  );

  app.get(
    '/v1/inspector/chats/:id',
    {
      schema: { tags, summary: 'A conversation as it is stored', params: ChatId, response: { 200: ChatNow } },
      config,
    },
    async (request) => {
      const { id } = request.params;
      requireChat(callerOf(request), chatOfConversation(id));
      return found(await inspector.now(id));
    },
  );

  app.get(
    '/v1/inspector/chats/:id/steps',
    {
      schema: {
        tags,
        summary: "A conversation's life, step by step, from the journal",
        description: 'The newest steps; or those after `after`, or the last before `before`.',
        params: ChatId,
        querystring: Type.Object({
          after: Type.Optional(Type.Number({ minimum: 0, description: 'A seq' })),
          before: Type.Optional(Type.Number({ minimum: 0, description: 'A seq' })),
          limit: Type.Optional(
            Type.Integer({ minimum: 1, maximum: limits.travelStepsMax, default: limits.travelStepsMax / 4 }),
          ),
        }),
        response: { 200: StepPage },
      },
      config,
    },
    async (request, reply) => {
      const { after = null, before = null, limit = limits.travelStepsMax / 4 } = request.query;
      const { id } = request.params;
      requireChat(callerOf(request), chatOfConversation(id));
      answers.take(callerOf(request), reply.raw);
      return found(await inspector.steps(id, { after, before, limit }));
    },
  );

  function machineOf(name: string): string {
    if (inspector.charts.some((chart) => chart.name === name)) return name;
    throw new SwitchboardError('not_found', 'There is no machine of this name');
  }
}

/** Throws scope_missing where the key is for certain chats: a count would tell of others (I7). */
function requireAllChats({ chats }: Key): void {
  if (chats !== null) throw new SwitchboardError('scope_missing', 'The key is restricted to certain chats');
}

function found<T>(what: T | null): T {
  if (what !== null) return what;
  throw new SwitchboardError('not_found', 'There is no conversation with this id');
}
