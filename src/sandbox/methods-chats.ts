import type { BotCommand } from '@grammyjs/types';
import { limits } from '../limits.ts';
import { badRequest } from './api-error.ts';
import { publish } from './bots.ts';
import type { Call, Method } from './call.ts';
import { chatToRead, chatToWrite, shownChat } from './chats.ts';
import { isFields } from './fields.ts';

/** The bot itself, its chats, its commands, its files, and the small answers to users. */
export const CHAT_METHODS = {
  getMe: ({ bot }) => bot.me,
  getChat,
  getFile,
  sendChatAction,
  answerCallbackQuery,
  setMyCommands,
  getMyCommands: (call) => call.bot.commands.get(commandsKey(call)) ?? [],
  deleteMyCommands: (call) => {
    call.bot.commands.delete(commandsKey(call));
    return true;
  },
  logOut: () => true,
  close: () => true,
} satisfies Record<string, Method>;

const ACTIONS: ReadonlySet<string> = new Set([
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_audio',
  'record_voice',
  'upload_audio',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'pick_up_location',
  'find_location',
  'record_video_note',
  'upload_video_note',
  'cancel',
]);

function getChat({ bot, params }: Call): Record<string, unknown> {
  const chat = chatToRead(bot.chats, params.text('chat_id'));
  const gifts = { unlimited_gifts: false, limited_gifts: false, unique_gifts: false, premium_subscription: false };
  const permissions =
    chat.kind === 'private' ? {} : { permissions: { can_send_messages: chat.closedTo === undefined } };
  const pinned = chat.pinned === undefined ? undefined : chat.messages.get(chat.pinned);
  return {
    ...shownChat(chat),
    ...permissions,
    ...(pinned === undefined ? {} : { pinned_message: pinned.message }),
    accent_color_id: Math.abs(chat.id) % 7,
    max_reaction_count: 11,
    accepted_gift_types: { ...gifts, gifts_from_channels: false },
  };
}

function getFile({ world, bot, params }: Call): Record<string, unknown> {
  const fileId = params.text('file_id');
  if (fileId === '') throw badRequest('file_id not specified');
  const file = world.files.byId(bot.id, fileId);
  if (file === undefined) throw badRequest('invalid file_id');
  if (file.bytes.length > limits.sandboxDownloadBytesMax) throw badRequest('file is too big');
  return {
    file_id: file.fileId,
    file_unique_id: file.fileUniqueId,
    file_size: file.bytes.length,
    file_path: file.path,
  };
}

function sendChatAction({ bot, params }: Call): true {
  const action = params.text('action');
  if (!ACTIONS.has(action)) throw badRequest('Wrong parameter action in request');
  const chat = chatToWrite(bot.chats, params.text('chat_id'));
  publish(bot, { type: 'chat_action', direction: 'out', chat_id: chat.id, action });
  return true;
}

function answerCallbackQuery({ world, bot, params }: Call): true {
  const id = params.text('callback_query_id');
  const button = bot.buttons.get(id);
  if (button === undefined || world.clock.steadyNow() - button.atMs > limits.sandboxCallbackLifeMs) {
    throw badRequest('query is too old and response timeout expired or query ID is invalid');
  }
  const text = params.text('text');
  const url = params.text('url');
  if (text.length > limits.callbackTextLengthMax) throw badRequest('MESSAGE_TOO_LONG');
  button.answer = {
    ...(text === '' ? {} : { text }),
    ...(url === '' ? {} : { url }),
    show_alert: params.flag('show_alert'),
  };
  publish(bot, {
    type: 'callback_answer',
    direction: 'out',
    chat_id: button.chatId,
    callback_query_id: id,
    ...button.answer,
  });
  return true;
}

function setMyCommands(call: Call): true {
  const given = call.params.json('commands');
  if (given === undefined) throw badRequest("Can't parse commands JSON object");
  if (given !== null && !Array.isArray(given)) throw badRequest('Expected an Array of BotCommand');
  const commands = (given ?? []).map(readCommand);
  if (commands.length > 100) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  const lists = call.bot.commands;
  lists.set(commandsKey(call), commands);
  const oldest = lists.size > limits.sandboxCommandListsMax ? lists.keys().next().value : undefined;
  if (oldest !== undefined) lists.delete(oldest);
  return true;
}

function readCommand(value: unknown): BotCommand {
  const fail = (why: string) => badRequest(`Can't parse BotCommand: ${why}`);
  if (!isFields(value)) throw fail('expected an Object');
  for (const name of ['command', 'description']) {
    if (value[name] === undefined) throw fail(`Can't find field "${name}"`);
  }
  const command = String(value.command).replace(/^\//, '');
  const description = String(value.description);
  if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
  if (description === '' || description.length > 256) throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
  return { command, description };
}

/** Commands are kept for each scope and language. */
function commandsKey({ bot, params }: Call): string {
  const scope = params.json('scope') ?? { type: 'default' };
  if (!isFields(scope)) throw badRequest("Can't parse BotCommandScope JSON object");
  if (scope.chat_id !== undefined) chatToRead(bot.chats, String(scope.chat_id));
  return JSON.stringify([
    scope.type,
    scope.chat_id ?? null,
    scope.user_id ?? null,
    params.text('language_code').slice(0, 2),
  ]);
}
