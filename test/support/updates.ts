let lastUpdateId = 1000;

/** An update as Telegram sends it: a text of a user in their private chat. */
export function textUpdate(chat: number, text: string, updateId = ++lastUpdateId) {
  const person = { id: Math.abs(chat), is_bot: false, first_name: 'Ann', language_code: 'en' };
  return {
    update_id: updateId,
    message: { message_id: updateId, date: 1_767_225_600, chat: { id: chat, type: 'private' }, from: person, text },
  };
}

/** The same in a group, by one of its members. */
export function groupUpdate(chat: number, user: number, text: string, topic?: number) {
  const { update_id, message } = textUpdate(chat, text);
  const inTopic = topic === undefined ? {} : { is_topic_message: true, message_thread_id: topic };
  return {
    update_id,
    message: { ...message, chat: { id: chat, type: 'supergroup' }, from: { ...message.from, id: user }, ...inTopic },
  };
}
