import { Type } from 'typebox';
import type { Clock, TimerHandle } from '../clock.ts';
import { chatOfConversation } from '../conversations/conversations.ts';
import { SwitchboardError } from '../errors.ts';
import { FEED_ACTOR, type Feed, FeedItem, LIVE_ACTORS } from '../inspector/inspector.ts';
import type { Key, Keyring } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import type { App } from './app.ts';
import { callerOf, requireActive, requireChat } from './auth.ts';
import { streamTo } from './response-sink.ts';
import { AsText } from './schemas.ts';

export interface FeedParts {
  readonly feed: Feed;
  readonly keyring: Pick<Keyring, 'isActive'>;
  readonly clock: Clock;
  readonly stuckMs: number;
}

/** Whom to hear of: of an address with `?actor=…&actor=…`. */
export const FeedQuery = {
  actor: Type.Optional(
    Type.Array(Type.String({ pattern: FEED_ACTOR }), {
      maxItems: limits.feedActorsMax,
      description: 'A live actor, `chat:<conversation>`, or `chats` for some steps of any; left out: all live actors',
    }),
  ),
};

/** `GET /v1/inspector/feed`: what live actors and chats do, as it happens. */
export function inspectorFeedRoute(app: App, { feed, keyring, clock, stuckMs }: FeedParts): void {
  app.get(
    '/v1/inspector/feed',
    {
      // A HEAD of a stream would open one.
      exposeHeadRoute: false,
      schema: {
        tags: ['inspector'],
        summary: 'What live actors and chats do, as it happens',
        description:
          'Server-sent events: each is a moment, an array of what there was in it. Sampled: what is left out is counted.',
        querystring: Type.Object(FeedQuery, { additionalProperties: false }),
        response: { 200: AsText({ ...Type.Array(FeedItem), description: 'A moment' }) },
      },
      config: { scope: 'admin', stream: true },
    },
    async (request, reply) => {
      const key = callerOf(request);
      const actors = actorsFor(key, request.query.actor);
      requireActive(keyring, key);
      let beat: TimerHandle | undefined;
      const write = (text: string): void => {
        sink.write(text);
        if (sink.pending() <= limits.feedBufferBytes) return;
        stop();
        sink.destroy();
      };
      const stop = (): void => {
        clock.clearTimeout(beat);
        close();
      };
      // It may refuse: then there is no stream yet.
      const close = feed.open({
        ...{ keyId: key.id, actors },
        reader: {
          take: (items) => write(`data: ${JSON.stringify(items)}\n\n`),
          end: () => {
            stop();
            sink.end();
          },
        },
      });
      const sink = streamTo(reply, 'text/event-stream; charset=utf-8', stuckMs);
      sink.onClose(stop);
      const keepAlive = (): void => {
        beat = clock.setTimeout(keepAlive, limits.heartbeatMs);
        write(':\n\n');
      };
      beat = clock.setTimeout(keepAlive, limits.heartbeatMs);
      write(`retry: ${limits.reconnectMs}\n\n`);
      return reply;
    },
  );
}

/** I7: a key for certain chats hears of these alone. Throws scope_missing. */
export function actorsFor(key: Key, asked: readonly string[] = []): readonly string[] {
  const actors = asked.length > 0 ? asked : LIVE_ACTORS;
  if (key.chats === null) return actors;
  for (const actor of actors) {
    if (!actor.startsWith('chat:')) throw new SwitchboardError('scope_missing', 'The key is restricted to chats');
    requireChat(key, chatOfConversation(actor.slice('chat:'.length)));
  }
  return actors;
}
