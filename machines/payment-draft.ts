import type { CallbackReceived, UserEvent } from './events.ts';
import { type Outcome, type PaymentFailed, type PaymentSettled, readOutcome } from './payment-answer.ts';
import { type Payment, readCommand, readPayment } from './payment-input.ts';

/** A payment from /pay until it is over. */
export interface Draft extends Payment {
  /** Stands in the buttons and in the reference: no other /pay of any chat's life has it. */
  readonly id: string;
  /** The user's message. */
  readonly messageId: number;
  /** Who asked; null in channels. Nobody else confirms or cancels it. */
  readonly payer: number | null;
}

/** What the conversation remembers. JSON: it is stored after each step. */
export interface PaymentContext {
  readonly conversation: string;
  /** In groups people talk to each other too: there only commands are answered. */
  readonly group: boolean;
  readonly draft: Draft | null;
  /** The backend's number for the payment, once it is open. */
  readonly paymentId: string | null;
  /** What the aggregator posted while a payment is under way. The newest few. */
  readonly heard: readonly Outcome[];
  /** How the last payment ended, in words. */
  readonly last: string | null;
}

/** All that the conversation listens to. */
export type PaymentEvent = UserEvent | PaymentSettled | PaymentFailed;

const HEARD_MAX = 8;

/** The payment in hand. Only idle has none, so a missing one is a bug: the chat is quarantined, not guessed about. */
export function draftOf(context: PaymentContext): Draft {
  if (context.draft === null) throw new Error('The payment conversation has no payment in a state that needs one');
  return context.draft;
}

/** The command that a text message is; null for all else. A caption is no command: a photo is answered as a photo. */
export const commandOf = (event: PaymentEvent) =>
  event.type === 'message.received' && event.kind === 'text' ? readCommand(event.text) : null;

/** What a /pay asks for, or what is wrong with it; null where the event is no /pay. */
export const paymentOf = (event: PaymentEvent) => {
  const command = commandOf(event);
  return command?.name === 'pay' ? readPayment(command.rest) : null;
};

/** What is wrong with a /pay, for its user. */
export const problemOf = (event: PaymentEvent) => {
  const reading = paymentOf(event);
  return reading?.ok === false ? reading.problem : '';
};

/** The payment that a /pay asks for, where the guard readablePayment let it through. */
export function readDraft(event: PaymentEvent): Draft {
  const reading = paymentOf(event);
  if (event.type !== 'message.received' || reading?.ok !== true) throw new Error(`No payment in ${event.type}`);
  // The time is in the id because message ids start anew when a group becomes a supergroup.
  const id = `${event.messageId.toString(36)}-${Date.parse(event.at).toString(36)}`;
  return { ...reading.payment, id, messageId: event.messageId, payer: event.from?.id ?? null };
}

/** The word on a payment that the event brings; null where it brings none. */
export const outcomeOf = (event: PaymentEvent) =>
  event.type === 'payment.settled' || event.type === 'payment.failed' ? readOutcome(event) : null;

/** The word on the payment in hand, once it has come. */
export const heardOf = (context: PaymentContext) =>
  context.heard.find((outcome) => outcome.paymentId === context.paymentId) ?? null;

/** Whether the button belongs to the payment in hand. */
export const isPressOn = (context: PaymentContext, press: CallbackReceived) =>
  context.draft !== null && press.data.endsWith(`:${context.draft.id}`);

/** In a group with one conversation for all: not who asked for the payment in hand. */
export const isStranger = (context: PaymentContext, user: number | undefined) =>
  context.draft !== null && context.draft.payer !== null && context.draft.payer !== user;

/** The message under which a button was pressed, where the guard press let it through. */
export function pressedMessage(press: CallbackReceived): number {
  if (press.messageId === null) throw new Error('A press without a message');
  return press.messageId;
}

/** The newest few words, so that a posting aggregator cannot grow the conversation. */
export function withOutcome(heard: readonly Outcome[], outcome: Outcome | null): readonly Outcome[] {
  return outcome === null ? heard : [...heard, outcome].slice(-HEARD_MAX);
}
