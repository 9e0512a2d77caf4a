/** What the backend is asked with `openPayment`. */
export interface OpenPaymentInput {
  /**
   * Names the payment that the user means: the same when the user tries again, although that is a new request.
   * A backend that keeps it opens one payment where an answer was lost and the user pressed "Try again".
   */
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly recipient: string;
  /** Telegram's id of who asked; null in channels. */
  readonly payer: number | null;
}

/** What the backend answers. `url` is a page where the user can see or finish the payment. */
export type OpenPaymentOutput =
  | { readonly status: 'accepted'; readonly paymentId: string; readonly url?: string }
  | { readonly status: 'declined'; readonly reason: string };

/** The aggregator tells that a payment went through. */
export interface PaymentSettled {
  readonly type: 'payment.settled';
  readonly paymentId: string;
}

/** The aggregator tells that a payment did not go through. */
export interface PaymentFailed {
  readonly type: 'payment.failed';
  readonly paymentId: string;
  readonly reason?: string;
}

/** The word on a payment, as the aggregator posted it. */
export interface Outcome {
  readonly paymentId: string;
  readonly settled: boolean;
  readonly reason: string;
}

const ID_LENGTH_MAX = 200;
const REASON_LENGTH_MAX = 300;
const URL_LENGTH_MAX = 2000;

/** Reads the backend's answer, which another team's service may have written. Null where it is not of the form. */
export function readAnswer(output: unknown): OpenPaymentOutput | null {
  const answer = fields(output);
  const paymentId = idOf(answer.paymentId);
  if (answer.status === 'accepted' && paymentId !== null) {
    const url = typeof answer.url === 'string' && isLink(answer.url) ? { url: answer.url } : {};
    return { status: 'accepted', paymentId, ...url };
  }
  return answer.status === 'declined' ? { status: 'declined', reason: reasonOf(answer.reason) } : null;
}

/** Whether a failed request was certainly not carried out, and never will be. */
export const isFinal = (code: string): boolean => code === 'refused' || code === 'unknown_request';

/** The code of a failed request: `unreachable`, `timeout`, `overloaded`, `refused` or `unknown_request`. */
export function readErrorCode(error: unknown): string {
  const { code } = fields(error);
  return typeof code === 'string' ? code : 'unreachable';
}

/** Reads an aggregator's event. Null where it names no payment. */
export function readOutcome(event: {
  readonly type: string;
  readonly paymentId?: unknown;
  readonly reason?: unknown;
}): Outcome | null {
  const paymentId = idOf(event.paymentId);
  if (paymentId === null) return null;
  return { paymentId, settled: event.type === 'payment.settled', reason: reasonOf(event.reason) };
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
const idOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' && value.length <= ID_LENGTH_MAX ? value : null;
const reasonOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, REASON_LENGTH_MAX) : '');
const isLink = (url: string): boolean => url.length <= URL_LENGTH_MAX && /^https:\/\/\S+$/.test(url);
