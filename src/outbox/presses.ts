import type { Journal, MessageRecord, Tx } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { buttonData, createTokens } from './buttons.ts';
import { errorOf, settle } from './fate.ts';
import type { Press, Pressed, Presses } from './outbox.ts';
import type { Params } from './rules.ts';

/**
 * Tells which press is of a conversation's own button (I7): the button was made for a message of the conversation, and the
 * press comes from that message. So nobody's key can have a user confirm what a conversation asks.
 */
export function createPresses({ bot, buttons }: Pick<Journal, 'bot' | 'buttons'>): Presses {
  const tokens = createTokens(buttons.secret, bot);

  /** Buttons from before there were tokens carry the machine's own data, which a key may have learned. */
  async function olderPress(tx: Tx, { chat, messageId, data, isBusiness }: Press): Promise<Pressed | null> {
    if (messageId === null || isBusiness) return null;
    const calls = await tx.sentMessages(chat, messageId, limits.callsOfMessageMax);
    // A key may have put other words over the buttons. Beyond the bound nobody has looked.
    if (calls.length === limits.callsOfMessageMax || calls.some(({ keyId }) => keyId !== null)) return null;
    const isOwn = ({ seq, params }: MessageRecord): boolean =>
      seq < buttons.since && buttonData(JSON.parse(params)).includes(data);
    return calls.some(isOwn) ? { data, prove: () => {} } : null;
  }

  return {
    async find(tx, press) {
      const token = tokens.read(press.data);
      if (token === null) return olderPress(tx, press);
      const { seq, n } = token;
      const message = await tx.message(seq);
      // Retention has taken it: it was a conversation's own, and nothing tells what its data was.
      if (message === null) return { data: '', prove: () => {} };
      if (message.keyId !== null || message.chat !== press.chat || !isFrom(message, press.messageId)) return null;
      return {
        data: buttonData(JSON.parse(message.params))[n] ?? '',
        prove: () => {
          if (isInDoubt(message)) settle(tx, bot, message, { kind: 'sent', telegramMessageId: press.messageId });
        },
      };
    },
  };
}

/** Whether Telegram's message with this id may be the one that a call has sent, or changed. */
function isFrom({ telegramMessageId, params }: MessageRecord, messageId: number | null): boolean {
  if (messageId === null) return false;
  if (telegramMessageId !== null) return telegramMessageId === messageId;
  const { message_id: edited = messageId }: Params = JSON.parse(params);
  return edited === messageId;
}

/** Nobody knows whether it has arrived; or it is to be sent again, as its answer was lost. */
const isInDoubt = ({ status, error }: MessageRecord): boolean =>
  status === 'unknown' || (status === 'queued' && errorOf(error)?.may_have_arrived === true);
