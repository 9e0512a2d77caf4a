import { createHash } from 'node:crypto';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { OpenPaymentOutput } from '../../machines/payment-answer.ts';
import type { Clock } from '../clock.ts';
import { type Backend, BackendFailed, type BackendRequest } from './backend.ts';
import type { PaymentRecord, PaymentStore } from './payment-store.ts';

/** What the example declines. */
export interface PaymentRules {
  /** ISO 4217 codes that can be paid in; others are declined. */
  readonly currencies: readonly string[];
  /** In whole units of the currency; a payment above it is declined. */
  readonly amountMax: number;
}

export const EXAMPLE_RULES: PaymentRules = { currencies: ['EUR', 'USD', 'GBP', 'CHF'], amountMax: 10_000 };

export interface PaymentsOptions {
  readonly store: PaymentStore;
  readonly clock: Clock;
  readonly rules?: PaymentRules;
}

const Input = Compile(
  Type.Object({
    reference: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    amount: Type.String({ pattern: '^\\d{1,9}\\.\\d{2}$' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    recipient: Type.String({ minLength: 1, maxLength: 200 }),
  }),
);

/**
 * The example backend: it answers `openPayment` for machines/payment.machine.ts, in the process, and moves no money.
 *
 * One payment a reference, or a request where there is no reference: the first answer is kept and given again, also
 * where the rules have changed since. Declines a currency that is not in the rules and an amount above their maximum;
 * accepts the rest. Refuses input that is not of the form (`refused`), and knows no other request (`unknown_request`).
 */
export function createPayments({ store, clock, rules = EXAMPLE_RULES }: PaymentsOptions): Backend {
  return {
    close: async () => {},
    async ask(request) {
      if (request.src !== 'openPayment') {
        throw new BackendFailed('unknown_request', `The example backend knows openPayment, not ${request.src}`, false);
      }
      const { input } = request;
      if (!Input.Check(input)) {
        const at = Input.Errors(input)[0]?.instancePath;
        throw new BackendFailed('refused', `openPayment: the input is wrong at ${at || 'its root'}`, false);
      }
      const key = keyOf(request, input.reference);
      return answerOf(
        await store.keep({
          key,
          id: `pay_${createHash('sha256').update(key).digest('hex').slice(0, 16)}`,
          conversation: request.conversation,
          amount: input.amount,
          currency: input.currency,
          recipient: input.recipient,
          declined: whyDeclined(rules, input.amount, input.currency),
          createdAt: clock.now(),
        }),
      );
    },
  };
}

/** A reference is the conversation's own, and two bots may talk to the same chat. */
const keyOf = (request: BackendRequest, reference: string | undefined): string =>
  reference === undefined ? `request ${request.id}` : `${request.bot} ${reference}`;

function whyDeclined({ currencies, amountMax }: PaymentRules, amount: string, currency: string): string | null {
  if (!currencies.includes(currency)) return `${currency} is not one of ${currencies.join(', ')}`;
  return Number(amount) > amountMax ? `${amount} ${currency} is above the limit of ${amountMax} ${currency}` : null;
}

const answerOf = ({ id, declined }: PaymentRecord): OpenPaymentOutput =>
  declined === null ? { status: 'accepted', paymentId: id } : { status: 'declined', reason: declined };
