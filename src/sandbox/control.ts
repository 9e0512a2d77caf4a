import type { ServerResponse } from 'node:http';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';
import { ApiError } from './api-error.ts';
import { type Bot, publishTrouble, randomUpdateId, type World } from './bots.ts';
import { optionalFlag, optionalInteger, readBody, readFault, readFlood, shownFlood, userOf } from './control-body.ts';
import { controlChat, controlChats, createChat, writeMany } from './control-chats.ts';
import { injectUpdates } from './inject.ts';
import { usersOf } from './overview.ts';
import { knowUser } from './users.ts';

/** A request to the control API. */
export interface ControlRequest {
  readonly method: string;
  /** What follows `/sandbox/bots/{token}/`, split at slashes. */
  readonly path: readonly string[];
  readonly body: Buffer;
  /** Left out: no stream can be asked for. */
  readonly response?: ServerResponse;
}

/** Bytes that the body of a request may have: only a message may bring a file. */
export const controlBytesMax = ([area, , what]: readonly string[]): number =>
  area === 'chats' && what === 'messages' ? limits.sandboxFileBodyBytesMax : limits.bodyBytesMax;

/** The answer's JSON; undefined where the answer is already on its way (a stream). Throws SwitchboardError. */
export function control(world: World, bot: Bot, request: ControlRequest): unknown {
  const { method, path } = request;
  const bytesMax = controlBytesMax(path);
  if (request.body.length > bytesMax) {
    throw new SwitchboardError('body_too_large', `The body may hold ${bytesMax} bytes`);
  }
  const [area = '', chatId, ...rest] = path;
  if (area === 'chats' && chatId !== undefined) {
    const id = /^-?\d{1,16}$/.test(chatId) ? Number(chatId) : Number.NaN;
    if (!Number.isSafeInteger(id) || id === 0) {
      throw new SwitchboardError('request_invalid', 'The chat id in the address must be a whole number', {
        field: 'chatId',
      });
    }
    return controlChat(world, bot, id, method, rest, request.body);
  }
  const route = ROUTES.get(`${method} ${area}`);
  if (route === undefined || (chatId !== undefined && area !== 'callbacks')) throw nothingHere(request);
  return route(world, bot, request);
}

type Route = (world: World, bot: Bot, request: ControlRequest) => unknown;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['GET ', (_world, bot) => stateOf(bot)],
  ['GET chats', (_world, bot) => ({ chats: controlChats(bot) })],
  ['POST chats', (world, bot, { body }) => createChat(world, bot, readBody(body))],
  ['GET users', (_world, bot) => ({ users: usersOf(bot) })],
  ['POST users', (_world, bot, { body }) => addUser(bot, body)],
  ['POST messages', (world, bot, { body }) => writeMany(world, bot, readBody(body))],
  ['POST updates', (_world, bot, { body }) => injectUpdates(bot, body)],
  ['POST update-ids', restartUpdateIds],
  ['GET callbacks', (_world, bot, request) => pressed(bot, request)],
  ['POST faults', addFault],
  ['GET faults', (_world, bot) => ({ faults: bot.faults.all() })],
  ['DELETE faults', (world, bot) => ({ cleared: clearFaults(world, bot) })],
  ['POST limits', (_world, bot, { body }) => setLimits(bot, body)],
  ['POST settings', (_world, bot, { body }) => setSettings(bot, body)],
  ['POST revoke', (_world, bot, { body }) => revoke(bot, body)],
  ['GET events', streamEvents],
]);

function stateOf(bot: Bot) {
  return {
    me: bot.me,
    revoked: bot.revoked,
    pending_update_count: bot.queue.size,
    polling: bot.poller.waiting,
    webhook: bot.webhook?.settings.url.href ?? null,
    allowed_updates: bot.allowedUpdates === null ? null : [...bot.allowedUpdates],
    limits: shownFlood(bot.flood),
    chats: bot.chats.size,
  };
}

function restartUpdateIds(world: World, bot: Bot, { body }: ControlRequest) {
  const next = optionalInteger(readBody(body), 'next', 1, 2 ** 31 - 1) ?? randomUpdateId(world);
  return { next_update_id: next, dropped: bot.queue.restart(next) };
}

function pressed(bot: Bot, request: ControlRequest) {
  const button = bot.buttons.get(request.path[1] ?? '');
  if (button === undefined) throw nothingHere(request);
  return { chat_id: button.chatId, answered: button.answer !== undefined, answer: button.answer ?? null };
}

/** `{"id","first_name",…}`: somebody who has not written to the bot yet, so that it cannot write to them either. */
function addUser(bot: Bot, body: Buffer) {
  const user = userOf(readBody(body), '');
  knowUser(bot, user);
  return { user };
}

function addFault(world: World, bot: Bot, { body }: ControlRequest) {
  const fault = readFault(readBody(body));
  if (!bot.faults.add(fault)) throw new SwitchboardError('request_invalid', 'Too many faults wait at this bot already');
  publishTrouble(world, bot);
  return { method: fault.method, kind: fault.kind, times: fault.timesLeft };
}

function clearFaults(world: World, bot: Bot): number {
  const count = bot.faults.all().length;
  bot.faults.clear();
  publishTrouble(world, bot);
  return count;
}

function setLimits(bot: Bot, body: Buffer) {
  bot.flood = readFlood(readBody(body));
  return shownFlood(bot.flood);
}

function setSettings(bot: Bot, body: Buffer) {
  const reads = optionalFlag(readBody(body), 'can_read_all_group_messages');
  if (reads !== undefined) bot.me = { ...bot.me, can_read_all_group_messages: reads };
  return { me: bot.me };
}

function revoke(bot: Bot, body: Buffer) {
  bot.revoked = optionalFlag(readBody(body), 'revoked') ?? true;
  if (bot.revoked) {
    bot.poller.abort(new ApiError(401, 'Unauthorized'));
    bot.webhook?.close();
    bot.webhook = null;
  }
  return { revoked: bot.revoked };
}

/** Streams the bot's events. Throws too_many_streams. */
export function attachEvents(bot: Bot, response: ServerResponse): undefined {
  if (!bot.feed.attach(response)) {
    throw new SwitchboardError('too_many_streams', 'This bot has as many readers of its events as it may have');
  }
  return undefined;
}

function streamEvents(_world: World, bot: Bot, request: ControlRequest): undefined {
  if (request.response === undefined) throw nothingHere(request);
  return attachEvents(bot, request.response);
}

/** 404 for an address that leads nowhere. */
function nothingHere({ method, path }: Pick<ControlRequest, 'method' | 'path'>): SwitchboardError {
  return new SwitchboardError('not_found', `There is no ${method} /sandbox/bots/{token}/${path.join('/')}`);
}
