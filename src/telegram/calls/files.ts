import { Type } from 'typebox';
import { Captioned, call, Framed, file, flag, name, Single, seconds, text } from './parts.ts';

const chat_id = 777;
const thumbnail = Type.Optional(file('A small picture of it, uploaded'));
const above = flag('The caption stands above it');
const spoiler = flag('Covered until it is touched');

/** Messages with one file. */
export const FILE_CALLS = {
  sendPhoto: call(
    'A photo',
    {
      ...{ ...Single, ...Captioned },
      photo: file('The photo'),
      show_caption_above_media: above,
      has_spoiler: spoiler,
    },
    { chat_id, photo: 'https://example.com/receipt.png', caption: 'Your receipt' },
  ),
  sendDocument: call(
    'A file of any kind',
    {
      ...{ ...Single, ...Captioned },
      document: file('The file'),
      thumbnail,
      disable_content_type_detection: flag('It stays a document'),
    },
    { chat_id, document: 'https://example.com/invoice.pdf', caption: 'Invoice 1001' },
  ),
  sendVideo: call(
    'A video',
    {
      ...{ ...Single, ...Captioned, ...Framed },
      video: file('The video'),
      thumbnail,
      cover: Type.Optional(file('Its cover')),
      start_timestamp: seconds('Where it begins'),
      show_caption_above_media: above,
      has_spoiler: spoiler,
      supports_streaming: flag('It can be seen while it loads'),
    },
    { chat_id, video: 'https://example.com/how-to.mp4', caption: 'How to set it up', supports_streaming: true },
  ),
  sendAudio: call(
    'Music',
    {
      ...{ ...Single, ...Captioned },
      audio: file('The MP3 or M4A'),
      thumbnail,
      duration: seconds('Seconds'),
      performer: name('Who plays'),
      title: name('What is played'),
    },
    { chat_id, audio: 'https://example.com/air.mp3', performer: 'J. S. Bach', title: 'Air' },
  ),
  sendVoice: call(
    'A voice message',
    { ...{ ...Single, ...Captioned }, voice: file('OGG with OPUS, MP3 or M4A'), duration: seconds('Seconds') },
    { chat_id, voice: 'https://example.com/answer.ogg', duration: 4 },
  ),
  sendAnimation: call(
    'A GIF, or a video without sound',
    {
      ...{ ...Single, ...Captioned, ...Framed },
      animation: file('The animation'),
      thumbnail,
      show_caption_above_media: above,
      has_spoiler: spoiler,
    },
    { chat_id, animation: 'https://example.com/done.gif' },
  ),
  sendSticker: call(
    'A sticker',
    {
      ...Single,
      sticker: file('.WEBP, .TGS or .WEBM'),
      emoji: Type.Optional(text(1, 64, 'Its emoji, of one just uploaded')),
    },
    { chat_id, sticker: 'https://example.com/thanks.webp' },
  ),
};
