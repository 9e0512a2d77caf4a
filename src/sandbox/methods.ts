import { ApiError } from './api-error.ts';
import type { Bot, World } from './bots.ts';
import { Answer, type Method } from './call.ts';
import { CHAT_METHODS } from './methods-chats.ts';
import { COPY_METHODS } from './methods-copy.ts';
import { EDIT_METHODS } from './methods-edit.ts';
import { MEDIA_METHODS } from './methods-media.ts';
import { POINT_METHODS } from './methods-points.ts';
import { POLL_METHODS } from './methods-polls.ts';
import { SEND_METHODS } from './methods-send.ts';
import { UPDATE_METHODS } from './methods-updates.ts';
import type { Params } from './params.ts';

const METHODS: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    ...{ ...UPDATE_METHODS, ...CHAT_METHODS, ...SEND_METHODS, ...MEDIA_METHODS, ...POINT_METHODS, ...POLL_METHODS },
    ...{ ...EDIT_METHODS, ...COPY_METHODS },
  }).map(([name, method]) => [name.toLowerCase(), method]),
);

/**
 * Carries out a method and gives the answer's body. Names in any case. Throws ApiError where Telegram refuses.
 * `gone` aborts when the caller has left.
 */
export async function callMethod(
  world: World,
  bot: Bot,
  name: string,
  params: Params,
  gone: AbortSignal,
): Promise<string> {
  if (bot.revoked) throw new ApiError(401, 'Unauthorized');
  const method = METHODS.get(name.toLowerCase());
  if (method === undefined) throw new ApiError(404, 'Not Found: method not found');
  const result = await method({ world, bot, params, gone, call: callMethod });
  return result instanceof Answer ? result.body : `{"ok":true,"result":${JSON.stringify(result)}}`;
}
