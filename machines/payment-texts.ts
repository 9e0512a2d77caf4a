import type { InlineKeyboard } from './events.ts';
import type { OpenPaymentOutput, Outcome } from './payment-answer.ts';
import { clip, type Payment, quote } from './payment-input.ts';

/** Every word that the payment conversation says. Plain text, no parse_mode: nothing that a user wrote can be markup. */

const USAGE = 'Write: /pay <amount> <currency> <recipient>\nExample: /pay 12.50 EUR @anna';

export const texts = {
  hello: `I make payments for you. Nothing is paid before you confirm it.\n\n${USAGE}\n\n/help shows all I can do.`,
  help: [
    '/pay <amount> <currency> <recipient>: prepare a payment. The recipient is a @name, an IBAN or an account name.',
    '/status: what I am doing for you',
    '/cancel: give up a payment that is not under way',
    '/help: this list',
    '',
    'Example: /pay 12.50 EUR @anna',
  ].join('\n'),

  notUnderstood: 'I did not understand that. /help shows what I can do.',
  unknownCommand: (name: string) => `I do not know /${clip(name, 32)}. /help shows what I can do.`,
  textOnly: 'I can read text only. /help shows what I can do.',
  editIgnored: 'I do not read changes to earlier messages. Please send a new message.',
  paymentEditIgnored: (payment: Payment) =>
    `Changing that message does not change the payment of ${summary(payment)}. ` +
    'To pay something else, send a new /pay once this one is over or cancelled.',
  staleButton: 'That button belongs to an earlier payment. Nothing has changed.',
  notYours: 'Somebody else’s payment is waiting here: only they can confirm, replace or cancel it.',
  payWrong: (problem: string) => `${problem}\n\n${USAGE}`,

  idleStatus: (last: string | null) => `No payment is open.${last === null ? '' : ` The last one: ${last}.`}`,
  nothingToCancel: 'There is nothing to cancel: no payment is open.',

  confirm: (payment: Payment) => `Pay ${summary(payment)}?\n\nThis question is open for 10 minutes.`,
  confirmInstead: (old: Payment, payment: Payment) =>
    `The payment of ${summary(old)} is dropped.\n\n${texts.confirm(payment)}`,
  confirmStatus: (payment: Payment) => `I am waiting for you to confirm or cancel: ${summary(payment)}.`,
  pressAButton: (payment: Payment) =>
    `Please press Confirm or Cancel under my question about ${summary(payment)}, or write /cancel.`,
  confirmed: (payment: Payment) => `Confirmed: ${summary(payment)}. I am asking the payment service.`,
  confirmedShort: 'Confirmed',
  cancelled: (payment: Payment) => `Cancelled: ${summary(payment)}. Nothing was paid.`,
  cancelledShort: 'Cancelled',
  expired: (payment: Payment) =>
    `You did not confirm ${summary(payment)} within 10 minutes, so I dropped it. Nothing was paid. Send /pay to start again.`,

  slowAnswer: (payment: Payment) =>
    `The payment service has not answered yet. I keep asking it to open ${summary(payment)}, and will tell you how it ends.`,
  askingStatus: (payment: Payment) => `I am asking the payment service to open ${summary(payment)}.`,
  tooLateToCancel: (payment: Payment) =>
    `${summary(payment)} is already with the payment service, so I cannot take it back. I will tell you how it ends.`,
  oneAtATime: (payment: Payment) => `One payment at a time: ${summary(payment)} is not over yet. /status tells more.`,
  underWayShort: 'This payment is already under way.',
  declined: (payment: Payment, answer: OpenPaymentOutput | null) => {
    const reason = answer?.status === 'declined' ? answer.reason : '';
    return `The payment service declined ${summary(payment)}${because(reason)} Nothing was paid.`;
  },
  refused: (payment: Payment) =>
    `The payment service did not take ${summary(payment)}, and trying again would not help. Nothing was paid.`,

  unreachable: (payment: Payment) =>
    `I cannot reach the payment service, so I do not know whether ${summary(payment)} has been opened. ` +
    'Trying again is safe: it will not be paid twice.',
  unclear: (payment: Payment) =>
    `I did not understand the payment service's answer, so I do not know whether ${summary(payment)} has been opened. ` +
    'Trying again is safe: it will not be paid twice.',
  unreachableStatus: (payment: Payment) =>
    `I could not reach the payment service for ${summary(payment)}. Press Try again or Cancel, or write /cancel.`,
  retrying: (payment: Payment) => `I am asking the payment service again to open ${summary(payment)}.`,
  retryingShort: 'Trying again',
  givenUpShort: 'Given up',
  givenUp: (payment: Payment) =>
    `I stopped asking for ${summary(payment)}. I cannot rule out that the payment service has it already: ` +
    'please ask there before you pay it again.',

  opened: (payment: Payment, answer: OpenPaymentOutput | null) => {
    const number = answer?.status === 'accepted' ? ` Its number is ${clip(answer.paymentId, 200)}.` : '';
    const page = answer?.status === 'accepted' && answer.url !== undefined ? `\n${answer.url}` : '';
    return `The payment of ${summary(payment)} is open.${number}${page}\n\nI will tell you when it is settled.`;
  },
  openStatus: (payment: Payment, paymentId: string | null) =>
    `${summary(payment)} is open${paymentId === null ? '' : ` under the number ${clip(paymentId, 200)}`}, and not settled yet.`,
  ended: (payment: Payment, outcome: Outcome | null) =>
    outcome?.settled === true
      ? `Settled: ${summary(payment)} has been paid.`
      : `The payment of ${summary(payment)} failed${because(outcome?.reason ?? '')} Send /pay to try again.`,
};

/** `12.50 EUR to @anna` */
export function summary(payment: Payment): string {
  return `${payment.amount} ${payment.currency} to ${payment.recipient}`;
}

/** Buttons under the question. `draft` says whose buttons they are: Telegram keeps old ones pressable for ever. */
export function confirmButtons(draft: string): InlineKeyboard {
  return buttons([
    ['Confirm', `confirm:${draft}`],
    ['Cancel', `cancel:${draft}`],
  ]);
}

/** Buttons where the backend could not be reached. */
export function retryButtons(draft: string): InlineKeyboard {
  return buttons([
    ['Try again', `retry:${draft}`],
    ['Cancel', `cancel:${draft}`],
  ]);
}

const buttons = (row: readonly (readonly [text: string, data: string])[]): InlineKeyboard => ({
  inline_keyboard: [row.map(([text, data]) => ({ text, callback_data: data }))],
});

const because = (reason: string): string => (reason === '' ? '.' : `: ${quote(reason, 300)}.`);
