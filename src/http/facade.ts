import multipart from '@fastify/multipart';
import type { HTTPMethods } from 'fastify';
import { Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import { mayAccess } from '../keys/keys.ts';
import { limits } from '../limits.ts';
import type { App, HttpParts } from './app.ts';
import { callerOf } from './auth.ts';
import { ANSWER_TYPE, plain, sendTelegramError, telegramErrorOf } from './facade-answers.ts';
import { createFacadeCalls } from './facade-calls.ts';
import { createFileDoor } from './facade-files.ts';
import { mayUseFacade } from './facade-methods.ts';
import { givenWith } from './facade-params.ts';
import { goneOf } from './gone.ts';
import { loggable } from './problems.ts';

const MethodPath = Type.Object({ key: Type.String(), method: Type.String() });
/** Telegram describes these addresses (core.telegram.org/bots/api): our own description leaves them out. */
const hide = true;

/** Telegraf takes an api-root that does not end with a slash for that of its host: it is served there too. */
const ROOTS = ['/telegram', ''];

/** Whether an address is the façade's, also where it is so broken that no route takes it. */
export const isFacadeUrl = (url: string): boolean => /^(\/telegram)?(\/file)?\/bot/.test(url);

/**
 * `/telegram/bot<key>/<method>` and `/telegram/file/bot<key>/<path>`: the Bot API, so that any client of it works by
 * its api-root setting. Answers and errors have Telegram's form throughout. Gives what ends a key's calls.
 */
export async function facadeRoutes(app: App, parts: HttpParts): Promise<(keyId: string) => void> {
  const { keyring, keyEnds, secretEnds, updates, uploads, answers, log, reportFault } = parts;
  const door = createFileDoor(parts);
  const call = createFacadeCalls({ ...parts, onFile: door.note });

  await app.register(async (scope: App) => {
    // Bodies are read as Telegram reads them, and once the key has been looked at.
    scope.removeAllContentTypeParsers();
    const { bodyBytesMax: bodyLimit } = limits;
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
    await scope.register(multipart);
    scope.setErrorHandler((error, request, reply) => {
      const { error: answer, unexpected } = telegramErrorOf(error);
      if (!(error instanceof SwitchboardError)) reportFault(error);
      if (unexpected) log.error({ event: 'request_failed', ...loggable(error, request) }, 'A request failed');
      return sendTelegramError(reply, answer);
    });
    scope.addHook('onRequest', async (request) => {
      const { key: text = '' } = Object(request.params);
      request.caller = keyring.verify(String(text));
      const { caller } = request;
      if (caller === null) throw new SwitchboardError('key_missing', 'The key is none, or has ended');
      if (!mayUseFacade(caller))
        throw new SwitchboardError('scope_missing', `a key of the role ${caller.role} may not use the Bot API`);
    });

    for (const root of ROOTS) routesUnder(scope, root);
  });

  function routesUnder(scope: App, root: string): void {
    scope.route({
      method: ['GET', 'POST'],
      url: `${root}/bot:key/:method`,
      exposeHeadRoute: false,
      schema: { hide, params: MethodPath },
      async handler(request, reply) {
        const { method } = request.params;
        const caller = callerOf(request);
        const read = () => givenWith(request, uploads, caller.id);
        const hold = () => answers.take(caller, reply.raw);
        const ended = keyEnds.signalOf(caller.id, reply);
        const secretEnded = secretEnds.signalOf(caller.id, reply);
        const answer = await call({ key: caller, method, read, hold, gone: goneOf(reply), ended, secretEnded });
        if (typeof answer !== 'string') return sendTelegramError(reply, answer);
        return reply.type(ANSWER_TYPE).send(answer);
      },
    });
    scope.get(`${root}/file/bot:key/*`, { exposeHeadRoute: false, schema: { hide } }, async (request, reply) => {
      const caller = callerOf(request);
      const role = `a key of the role ${caller.role} may not download files`;
      if (!mayAccess(caller, 'read')) return sendTelegramError(reply, plain(400, role));
      const { '*': path = '' } = Object(request.params);
      await door.send(caller, String(path), reply, goneOf(reply));
      return reply;
    });
    for (const url of [`${root}/bot:key`, `${root}/bot:key/*`, `${root}/file/bot:key`]) {
      scope.all(url, { schema: { hide } }, async (_request, reply) => sendTelegramError(reply, plain(404)));
    }
    const others = {
      method: ['HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] satisfies HTTPMethods[],
      schema: { hide },
    };
    for (const url of [`${root}/bot:key/:method`, `${root}/file/bot:key/*`]) {
      scope.route({ ...others, url, handler: async (_request, reply) => sendTelegramError(reply, plain(405)) });
    }
  }

  return (keyId) => {
    updates.end(keyId);
    door.forget(keyId);
  };
}
