import type { Message } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import type { Call, Method } from './call.ts';
import { chatToWrite } from './chats.ts';
import { type Fields, isFields } from './fields.ts';
import type { FileKind } from './files.ts';
import { readMedia } from './media.ts';
import { mediaContent } from './media-content.ts';
import { contentOf, readCaption, send, sendAll } from './methods-send.ts';

/** Messages with a file, and albums of them. */
export const MEDIA_METHODS = {
  sendPhoto: (call) => sendMedia(call, 'photo'),
  sendDocument: (call) => sendMedia(call, 'document'),
  sendVideo: (call) => sendMedia(call, 'video'),
  sendAudio: (call) => sendMedia(call, 'audio'),
  sendVoice: (call) => sendMedia(call, 'voice'),
  sendAnimation: (call) => sendMedia(call, 'animation'),
  sendSticker: (call) => sendMedia(call, 'sticker'),
  sendMediaGroup,
} satisfies Record<string, Method>;

const ALBUM_MAX = 10;
const ALBUM_KINDS: readonly FileKind[] = ['photo', 'video', 'audio', 'document'];

async function sendMedia(call: Call, kind: FileKind): Promise<Message> {
  const { params } = call;
  // A sticker has no caption: Telegram passes the parameter over.
  const caption = kind === 'sticker' ? {} : contentOf(readCaption(params), 'caption', 'caption_entities');
  chatToWrite(call.bot.chats, params.text('chat_id'));
  const file = await readMedia(call, params, kind, kind);
  return send(call, { ...mediaContent(kind, file, params), ...caption, ...shownAs(call.params) });
}

async function sendMediaGroup(call: Call): Promise<Message[]> {
  const given = call.params.json('media');
  if (given === undefined) throw badRequest("Can't parse media JSON object");
  if (!Array.isArray(given)) throw badRequest('Expected an Array of InputMedia');
  if (given.length === 0) throw badRequest('There are no messages to send');
  if (given.length > ALBUM_MAX) throw badRequest('Too many messages to send as an album');
  const items = given.map(readItem);
  for (const kind of ['audio', 'document'] as const) {
    const alike = items.filter((item) => item.kind === kind).length;
    if (alike > 0 && alike < items.length) throw badRequest(`${kind} can't be mixed with other media types`);
  }
  chatToWrite(call.bot.chats, call.params.text('chat_id'));
  const contents: Fields[] = [];
  for (const { kind, fields } of items) {
    const params = call.params.within(fields);
    const caption = contentOf(readCaption(params), 'caption', 'caption_entities');
    const file = await readMedia(call, params, 'media', kind);
    contents.push({ ...mediaContent(kind, file, params), ...caption, ...shownAs(params) });
  }
  const media_group_id = `${call.bot.id}${call.world.clock.now()}`;
  return sendAll(
    call,
    contents.map((content) => ({ media_group_id, ...content })),
  );
}

function readItem(item: unknown): { readonly kind: FileKind; readonly fields: Fields } {
  if (!isFields(item)) throw badRequest("Can't parse InputMedia: expected an Object");
  if (item.type === undefined) throw badRequest('Can\'t parse InputMedia: can\'t find field "type"');
  const kind = ALBUM_KINDS.find((known) => known === item.type);
  if (kind === undefined) throw badRequest("Can't parse InputMedia: type can't be used in an album");
  return { kind, fields: item };
}

/** How a picture is shown, which the message repeats. */
const shownAs = (params: Call['params']): Fields => ({
  ...(params.flag('has_spoiler') ? { has_media_spoiler: true } : {}),
  ...(params.flag('show_caption_above_media') ? { show_caption_above_media: true } : {}),
});
