/** What Switchboard must know of a method to send it: how it is addressed, and whether Telegram's message limits count it. */
export interface MethodFacts {
  /** False: the call has no chat_id (an answer to a callback query). */
  readonly addressed: boolean;
  /** Counted by Telegram as a message to the chat. */
  readonly paced: boolean;
}

const message: MethodFacts = { addressed: true, paced: true };
const change: MethodFacts = { addressed: true, paced: false };

/** The methods that may write: the allow-list. Anything else is refused. */
export const WRITE_METHODS: Readonly<Record<string, MethodFacts>> = {
  sendMessage: message,
  sendPhoto: message,
  sendDocument: message,
  sendVideo: message,
  sendAudio: message,
  sendVoice: message,
  sendAnimation: message,
  sendSticker: message,
  sendMediaGroup: message,
  sendLocation: message,
  sendContact: message,
  sendPoll: message,
  copyMessage: message,
  forwardMessage: message,
  editMessageText: change,
  editMessageCaption: change,
  editMessageReplyMarkup: change,
  deleteMessage: change,
  pinChatMessage: change,
  sendChatAction: change,
  answerCallbackQuery: { addressed: false, paced: false },
};

/** The facts of a write method; null where it is not on the allow-list. */
export const writeMethod = (name: string): MethodFacts | null =>
  Object.hasOwn(WRITE_METHODS, name) ? (WRITE_METHODS[name] ?? null) : null;
