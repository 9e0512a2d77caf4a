/** The first chat of the benchmarks; the others follow. */
export const FIRST_CHAT = 1_000_000_000;

/** An update of a private chat as Telegram sends it, about 450 bytes of JSON. */
export function updateText(id: number, chat: number, text: string): string {
  const person = { id: chat, first_name: 'Anneliese', last_name: 'Berger', username: `user_${chat}` };
  return JSON.stringify({
    update_id: id,
    message: {
      message_id: id,
      from: { ...person, is_bot: false, language_code: 'en' },
      chat: { ...person, type: 'private' },
      date: 1_767_225_600,
      text,
    },
  });
}

/** The chat of the n-th of something: a stride over the chats that meets each before any comes again. */
export const chatOf = (n: number, chats: number, firstChat = FIRST_CHAT): number => firstChat + ((n * 7919) % chats);
