import { Type } from 'typebox';
import { Business, Captioned, call, Framed, file, flag, integer, name, Sending, seconds } from './parts.ts';

const Item = Type.Object(
  {
    type: Type.Enum(['photo', 'video', 'audio', 'document', 'live_photo'], {
      description: 'Photos and videos go together; documents and audio only with their like',
    }),
    media: file('The file'),
    photo: Type.Optional(file('The still of a live photo')),
    thumbnail: Type.Optional(file('A small picture of it, uploaded')),
    cover: Type.Optional(file('The cover of a video')),
    start_timestamp: seconds('Where a video begins'),
    ...{ ...Captioned, ...Framed },
    show_caption_above_media: flag('The caption stands above it'),
    has_spoiler: flag('Covered until it is touched'),
    supports_streaming: flag('A video that can be seen while it loads'),
    performer: name('Who plays'),
    title: name('What is played'),
    disable_content_type_detection: flag('A document stays one'),
  },
  { additionalProperties: true },
);

/** Albums. */
export const ALBUM_CALLS = {
  sendMediaGroup: call(
    'An album',
    {
      ...{ ...Business, ...Sending },
      direct_messages_topic_id: integer(1, 2 ** 53, "A topic of a channel's direct messages"),
      media: Type.Array(Item, { minItems: 2, maxItems: 10, description: '2 to 10 files' }),
    },
    {
      chat_id: 777,
      media: [
        { type: 'photo', media: 'https://example.com/front.png', caption: 'Front' },
        { type: 'photo', media: 'https://example.com/back.png', caption: 'Back' },
      ],
    },
  ),
};
