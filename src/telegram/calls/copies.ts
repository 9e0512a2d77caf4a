import { Captioned, Chat, call, Direct, flag, Marked, MessageId, Sending, seconds } from './parts.ts';

const From = { from_chat_id: Chat, message_id: MessageId, video_start_timestamp: seconds('Where a video begins') };
const example = { chat_id: 777, from_chat_id: 777, message_id: 42 };
const { reply_parameters: _, reply_to_message_id: __, allow_paid_broadcast: ___, ...forwarding } = Sending;

/** Messages that are there already, sent to another chat. A key for certain chats takes from those alone. */
export const COPY_CALLS = {
  copyMessage: call(
    'A copy of a message, which does not tell where it comes from',
    {
      ...{ ...Sending, ...Direct, ...Marked, ...From, ...Captioned },
      show_caption_above_media: flag('The caption stands above it'),
    },
    example,
  ),
  forwardMessage: call('A message forwarded', { ...forwarding, ...Direct, ...From }, example),
};
