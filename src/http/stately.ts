import websocket from '@fastify/websocket';
import { Type } from 'typebox';
import type { TimerHandle } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import { createStately, type Inspector } from '../inspector/inspector.ts';
import { limits } from '../limits.ts';
import type { App } from './app.ts';
import { callerOf, requireActive } from './auth.ts';
import { actorsFor, type FeedParts, FeedQuery } from './inspector-feed.ts';

/** RFC 6455, 7.4.1, and IANA's registry: going away; policy violation; try again later. */
const [GOING_AWAY, TOO_SLOW, LATER] = [1001, 1008, 1013];

/** Before any hook and route: from then on upgrades go through them. Gives what cuts off those that do not close. */
export async function acceptUpgrades(app: App): Promise<() => void> {
  await app.register(websocket, {
    options: { maxPayload: limits.feedMessageBytesMax },
    errorHandler: (_error, socket) => socket.terminate(),
  });
  return () => {
    for (const socket of app.websocketServer.clients) socket.terminate();
  };
}

/**
 * `/inspector/stately`: the feed in @statelyai/inspect's protocol on a WebSocket, so that Stately's tools attach. For
 * admins: by key, or by a ticket, once. A page's log-in opens none: a WebSocket sends no headers of the page.
 */
export function statelyRoute(
  app: App,
  { feed, keyring, clock, inspector }: FeedParts & { readonly inspector: Pick<Inspector, 'definition'> },
): void {
  app.route({
    method: 'GET',
    url: '/inspector/stately',
    exposeHeadRoute: false,
    schema: {
      hide: true,
      querystring: Type.Object({ ...FeedQuery, ticket: Type.Optional(Type.String()) }, { additionalProperties: false }),
    },
    config: { scope: 'admin', stream: true, ticket: 'once' },
    // All that refuses does so before the upgrade, as a problem.
    preHandler: async (request) => {
      actorsFor(callerOf(request), askedOf(request.query));
      requireActive(keyring, callerOf(request));
    },
    handler: async () => {
      throw new SwitchboardError('request_invalid', 'This address speaks WebSocket: open it with a receiver');
    },
    wsHandler: (socket, request) => {
      const encode = createStately(inspector.definition);
      let beat: TimerHandle | undefined;
      let heard = true;
      let close = (): void => {};
      const end = (): void => {
        clock.clearTimeout(beat);
        close();
      };
      const cut = (code: number, why: string): void => {
        end();
        socket.close(code, why);
        // Whoever does not answer that, as it takes nothing, is not waited for.
        beat = clock.setTimeout(() => socket.terminate(), limits.httpCloseMs);
      };
      socket.on('close', end);
      socket.on('pong', () => {
        heard = true;
      });
      const keepAlive = (): void => {
        if (!heard) {
          socket.terminate();
          return;
        }
        heard = false;
        socket.ping();
        beat = clock.setTimeout(keepAlive, limits.readerStuckMs);
      };
      beat = clock.setTimeout(keepAlive, limits.heartbeatMs);
      try {
        close = feed.open({
          keyId: callerOf(request).id,
          actors: actorsFor(callerOf(request), askedOf(request.query)),
          reader: {
            take(items) {
              for (const item of items) for (const event of encode(item)) socket.send(JSON.stringify(event));
              if (socket.bufferedAmount > limits.feedBufferBytes) cut(TOO_SLOW, 'It takes too little');
            },
            end: () => cut(GOING_AWAY, 'The feed is over'),
          },
        });
      } catch (error) {
        cut(LATER, error instanceof SwitchboardError ? error.message : 'Try again later');
      }
    },
  });
}

/** The actors of a query, as it has been validated. */
function askedOf(query: unknown): readonly string[] {
  const actor: unknown = typeof query === 'object' && query !== null && 'actor' in query ? query.actor : [];
  return Array.isArray(actor) ? actor.map(String) : [];
}
