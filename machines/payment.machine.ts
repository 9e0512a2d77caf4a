import { assign, fromPromise, setup } from 'xstate';
import type { AnswerCallback, ConversationInput, Edit, Meta, Reply } from './events.ts';
import { isFinal, type OpenPaymentInput, readAnswer, readErrorCode } from './payment-answer.ts';
import {
  commandOf,
  draftOf,
  heardOf,
  isPressOn,
  isStranger,
  outcomeOf,
  type PaymentContext,
  type PaymentEvent,
  paymentOf,
  pressedMessage,
  problemOf,
  readDraft,
  withOutcome,
} from './payment-draft.ts';
import { confirmButtons, retryButtons, summary, texts } from './payment-texts.ts';

export { context } from './payment-context.ts';

/** The shipped conversation: a user pays somebody, sees it confirmed, and hears how it ended. It never ends itself. */
export const machine = setup({
  types: {
    context: {} as PaymentContext,
    events: {} as PaymentEvent,
    input: {} as ConversationInput,
    meta: {} as Meta,
  },
  actors: {
    /** Stands for the backend, which is asked after the step has committed. */
    openPayment: fromPromise<unknown, OpenPaymentInput>(() => {
      throw new Error('openPayment is asked of the backend, never run in the machine');
    }),
  },
  actions: {
    reply: (_, _params: Reply) => {},
    edit: (_, _params: Edit) => {},
    answerCallback: (_, _params: AnswerCallback) => {},
    takeDraft: assign({ draft: ({ event }) => readDraft(event) }),
    takePaymentId: assign({
      paymentId: (_, params: { output: unknown }) => {
        const answer = readAnswer(params.output);
        return answer?.status === 'accepted' ? answer.paymentId : null;
      },
    }),
    keepOutcome: assign({ heard: ({ context, event }) => withOutcome(context.heard, outcomeOf(event)) }),
    close: assign(({ context }, params: { outcome: string }) => ({
      draft: null,
      paymentId: null,
      heard: [],
      last: `${summary(draftOf(context))}, ${params.outcome}`,
    })),
  },
  guards: {
    command: ({ event }, params: { name: string }) => commandOf(event)?.name === params.name,
    readablePayment: ({ event }) => paymentOf(event)?.ok === true,
    private: ({ context }) => !context.group,
    privateContent: ({ context, event }) =>
      !context.group && event.type === 'message.received' && event.kind !== 'text',
    privateWords: ({ context, event }) => {
      if (context.group || event.type !== 'message.received') return false;
      return event.kind === 'text' && commandOf(event) === null;
    },
    privateEdit: ({ context, event }) => !context.group && event.type === 'message.edited' && event.kind === 'text',
    editOfPayment: ({ context, event }) =>
      event.type === 'message.edited' && context.draft !== null && event.messageId === context.draft.messageId,
    /** Somebody else's /pay or /cancel while one's payment waits: in groups with one conversation for all. */
    strangersCommand: ({ context, event }) => {
      const name = commandOf(event)?.name;
      if (event.type !== 'message.received' || (name !== 'pay' && name !== 'cancel')) return false;
      return isStranger(context, event.from?.id);
    },
    press: ({ context, event }, params: { button: string }) =>
      event.type === 'callback.received' &&
      event.data === `${params.button}:${context.draft?.id}` &&
      event.messageId !== null &&
      !isStranger(context, event.from.id),
    strangersPress: ({ context, event }) =>
      event.type === 'callback.received' && isPressOn(context, event) && isStranger(context, event.from.id),
    pressOnPayment: ({ context, event }) => event.type === 'callback.received' && isPressOn(context, event),
    gone: ({ event }) => event.type === 'membership.changed' && (event.status === 'kicked' || event.status === 'left'),
    accepted: (_, params: { output: unknown }) => readAnswer(params.output)?.status === 'accepted',
    declined: (_, params: { output: unknown }) => readAnswer(params.output)?.status === 'declined',
    mayTryAgain: (_, params: { error: unknown }) => !isFinal(readErrorCode(params.error)),
    maybeThisPayment: ({ context, event }) => {
      const outcome = outcomeOf(event);
      return outcome !== null && (context.paymentId === null || context.paymentId === outcome.paymentId);
    },
    heard: ({ context }) => heardOf(context) !== null,
  },
  delays: { confirmationWait: 10 * 60_000, slowAnswer: 15_000 },
}).createMachine({
  id: 'payment',
  version: '1',
  description: 'A user pays somebody: asks, confirms, and hears how it ended.',
  meta: {
    examples: {
      texts: ['/start', '/pay 12.50 EUR @anna', '/status', '/help'],
      answers: {
        openPayment: [
          { status: 'accepted', paymentId: 'p' },
          { status: 'declined', reason: 'The account is closed' },
          'nonsense',
        ],
      },
      events: [
        { type: 'payment.settled', paymentId: 'p' },
        { type: 'payment.failed', paymentId: 'p', reason: 'It came back' },
      ],
    },
  },
  context: ({ input }) => ({
    conversation: input.conversation,
    group: input.chat.startsWith('-'),
    draft: null,
    paymentId: null,
    heard: [],
    last: null,
  }),
  initial: 'idle',
  // What no state answers in its own way.
  on: {
    'message.received': [
      {
        guard: { type: 'command', params: { name: 'start' } },
        actions: { type: 'reply', params: { text: texts.hello } },
      },
      {
        guard: { type: 'command', params: { name: 'help' } },
        actions: { type: 'reply', params: { text: texts.help } },
      },
      { guard: 'privateContent', actions: { type: 'reply', params: { text: texts.textOnly } } },
      { guard: 'privateWords', actions: { type: 'reply', params: { text: texts.notUnderstood } } },
      {
        guard: 'private',
        actions: {
          type: 'reply',
          params: ({ event }) => ({ text: texts.unknownCommand(commandOf(event)?.name ?? '') }),
        },
      },
    ],
    'message.edited': [
      {
        guard: 'editOfPayment',
        actions: { type: 'reply', params: ({ context }) => ({ text: texts.paymentEditIgnored(draftOf(context)) }) },
      },
      { guard: 'privateEdit', actions: { type: 'reply', params: { text: texts.editIgnored } } },
    ],
    'callback.received': [
      {
        guard: 'strangersPress',
        actions: {
          type: 'answerCallback',
          params: ({ event }) => ({ callback_query_id: event.id, text: texts.notYours }),
        },
      },
      {
        actions: {
          type: 'answerCallback',
          params: ({ event }) => ({ callback_query_id: event.id, text: texts.staleButton }),
        },
      },
    ],
  },
  states: {
    idle: {
      description: 'No payment is open. Waits for /pay.',
      on: {
        'message.received': [
          {
            guard: 'readablePayment',
            target: 'confirming',
            actions: [
              {
                type: 'reply',
                params: ({ event }) => ({
                  text: texts.confirm(readDraft(event)),
                  reply_markup: confirmButtons(readDraft(event).id),
                }),
              },
              'takeDraft',
            ],
          },
          {
            guard: { type: 'command', params: { name: 'pay' } },
            actions: { type: 'reply', params: ({ event }) => ({ text: texts.payWrong(problemOf(event)) }) },
          },
          {
            guard: { type: 'command', params: { name: 'status' } },
            actions: { type: 'reply', params: ({ context }) => ({ text: texts.idleStatus(context.last) }) },
          },
          {
            guard: { type: 'command', params: { name: 'cancel' } },
            actions: { type: 'reply', params: { text: texts.nothingToCancel } },
          },
        ],
      },
    },
    confirming: {
      description: 'The user has been asked to confirm or cancel. After 10 minutes the question expires.',
      after: {
        confirmationWait: {
          target: 'idle',
          actions: [
            { type: 'reply', params: ({ context }) => ({ text: texts.expired(draftOf(context)) }) },
            { type: 'close', params: { outcome: 'expired' } },
          ],
        },
      },
      on: {
        'callback.received': [
          {
            guard: { type: 'press', params: { button: 'confirm' } },
            target: 'underWay',
            actions: [
              {
                type: 'answerCallback',
                params: ({ event }) => ({ callback_query_id: event.id, text: texts.confirmedShort }),
              },
              {
                type: 'edit',
                params: ({ context, event }) => ({
                  message_id: pressedMessage(event),
                  text: texts.confirmed(draftOf(context)),
                }),
              },
            ],
          },
          {
            guard: { type: 'press', params: { button: 'cancel' } },
            target: 'idle',
            actions: [
              {
                type: 'answerCallback',
                params: ({ event }) => ({ callback_query_id: event.id, text: texts.cancelledShort }),
              },
              {
                type: 'edit',
                params: ({ context, event }) => ({
                  message_id: pressedMessage(event),
                  text: texts.cancelled(draftOf(context)),
                }),
              },
              { type: 'close', params: { outcome: 'cancelled' } },
            ],
          },
        ],
        'message.received': [
          { guard: 'strangersCommand', actions: { type: 'reply', params: { text: texts.notYours } } },
          {
            // A new /pay takes the old one's place: whoever mistyped simply writes it again. The old buttons are stale.
            guard: 'readablePayment',
            target: 'confirming',
            reenter: true,
            actions: [
              {
                type: 'reply',
                params: ({ context, event }) => ({
                  text: texts.confirmInstead(draftOf(context), readDraft(event)),
                  reply_markup: confirmButtons(readDraft(event).id),
                }),
              },
              'takeDraft',
            ],
          },
          {
            guard: { type: 'command', params: { name: 'pay' } },
            actions: { type: 'reply', params: ({ event }) => ({ text: texts.payWrong(problemOf(event)) }) },
          },
          {
            guard: { type: 'command', params: { name: 'cancel' } },
            target: 'idle',
            actions: [
              { type: 'reply', params: ({ context }) => ({ text: texts.cancelled(draftOf(context)) }) },
              { type: 'close', params: { outcome: 'cancelled' } },
            ],
          },
          {
            guard: { type: 'command', params: { name: 'status' } },
            actions: { type: 'reply', params: ({ context }) => ({ text: texts.confirmStatus(draftOf(context)) }) },
          },
          {
            guard: 'privateWords',
            actions: { type: 'reply', params: ({ context }) => ({ text: texts.pressAButton(draftOf(context)) }) },
          },
        ],
        'membership.changed': {
          // Nobody is there to confirm, and no word would arrive.
          guard: 'gone',
          target: 'idle',
          actions: { type: 'close', params: { outcome: 'dropped when the bot was removed' } },
        },
      },
    },
    underWay: {
      description: 'Confirmed: the payment service has the payment, or may have it.',
      initial: 'asking',
      on: {
        'callback.received': {
          guard: 'pressOnPayment',
          actions: {
            type: 'answerCallback',
            params: ({ event }) => ({ callback_query_id: event.id, text: texts.underWayShort }),
          },
        },
        'message.received': [
          {
            guard: { type: 'command', params: { name: 'pay' } },
            actions: { type: 'reply', params: ({ context }) => ({ text: texts.oneAtATime(draftOf(context)) }) },
          },
          {
            guard: { type: 'command', params: { name: 'cancel' } },
            actions: { type: 'reply', params: ({ context }) => ({ text: texts.tooLateToCancel(draftOf(context)) }) },
          },
        ],
        'payment.settled': { guard: 'maybeThisPayment', actions: 'keepOutcome' },
        'payment.failed': { guard: 'maybeThisPayment', actions: 'keepOutcome' },
      },
      states: {
        asking: {
          description:
            'The backend has been asked to open the payment. Its answer always comes: a result or a failure.',
          invoke: {
            id: 'openPayment',
            src: 'openPayment',
            input: ({ context }) => {
              const { id, amount, currency, recipient, payer } = draftOf(context);
              return { reference: `${context.conversation}/${id}`, amount, currency, recipient, payer };
            },
            onDone: [
              {
                guard: { type: 'accepted', params: ({ event }) => ({ output: event.output }) },
                target: 'open',
                actions: [
                  { type: 'takePaymentId', params: ({ event }) => ({ output: event.output }) },
                  {
                    type: 'reply',
                    params: ({ context, event }) => ({
                      text: texts.opened(draftOf(context), readAnswer(event.output)),
                    }),
                  },
                ],
              },
              {
                guard: { type: 'declined', params: ({ event }) => ({ output: event.output }) },
                target: '#payment.idle',
                actions: [
                  {
                    type: 'reply',
                    params: ({ context, event }) => ({
                      text: texts.declined(draftOf(context), readAnswer(event.output)),
                    }),
                  },
                  { type: 'close', params: { outcome: 'declined' } },
                ],
              },
              {
                target: 'unreachable',
                actions: {
                  type: 'reply',
                  params: ({ context }) => ({
                    text: texts.unclear(draftOf(context)),
                    reply_markup: retryButtons(draftOf(context).id),
                  }),
                },
              },
            ],
            onError: [
              {
                guard: { type: 'mayTryAgain', params: ({ event }) => ({ error: event.error }) },
                target: 'unreachable',
                actions: {
                  type: 'reply',
                  params: ({ context }) => ({
                    text: texts.unreachable(draftOf(context)),
                    reply_markup: retryButtons(draftOf(context).id),
                  }),
                },
              },
              {
                target: '#payment.idle',
                actions: [
                  { type: 'reply', params: ({ context }) => ({ text: texts.refused(draftOf(context)) }) },
                  { type: 'close', params: { outcome: 'not taken by the payment service' } },
                ],
              },
            ],
          },
          // The backend is asked for up to ten minutes: nobody waits so long without a word.
          after: {
            slowAnswer: {
              actions: { type: 'reply', params: ({ context }) => ({ text: texts.slowAnswer(draftOf(context)) }) },
            },
          },
          on: {
            'message.received': {
              guard: { type: 'command', params: { name: 'status' } },
              actions: { type: 'reply', params: ({ context }) => ({ text: texts.askingStatus(draftOf(context)) }) },
            },
          },
        },
        unreachable: {
          description: 'The backend gave no usable answer. The user tries again or gives up, by button.',
          on: {
            'callback.received': [
              {
                guard: { type: 'press', params: { button: 'retry' } },
                target: 'asking',
                actions: [
                  {
                    type: 'answerCallback',
                    params: ({ event }) => ({ callback_query_id: event.id, text: texts.retryingShort }),
                  },
                  {
                    type: 'edit',
                    params: ({ context, event }) => ({
                      message_id: pressedMessage(event),
                      text: texts.retrying(draftOf(context)),
                    }),
                  },
                ],
              },
              {
                guard: { type: 'press', params: { button: 'cancel' } },
                target: '#payment.idle',
                actions: [
                  {
                    type: 'answerCallback',
                    params: ({ event }) => ({ callback_query_id: event.id, text: texts.givenUpShort }),
                  },
                  {
                    type: 'edit',
                    params: ({ context, event }) => ({
                      message_id: pressedMessage(event),
                      text: texts.givenUp(draftOf(context)),
                    }),
                  },
                  { type: 'close', params: { outcome: 'given up, as the payment service could not be reached' } },
                ],
              },
            ],
            'message.received': [
              { guard: 'strangersCommand', actions: { type: 'reply', params: { text: texts.notYours } } },
              {
                guard: { type: 'command', params: { name: 'cancel' } },
                target: '#payment.idle',
                actions: [
                  { type: 'reply', params: ({ context }) => ({ text: texts.givenUp(draftOf(context)) }) },
                  { type: 'close', params: { outcome: 'given up, as the payment service could not be reached' } },
                ],
              },
              {
                guard: { type: 'command', params: { name: 'status' } },
                actions: {
                  type: 'reply',
                  params: ({ context }) => ({ text: texts.unreachableStatus(draftOf(context)) }),
                },
              },
            ],
          },
        },
        open: {
          description: 'The backend accepted. Waits until the aggregator posts payment.settled or payment.failed.',
          // The word may have come before the answer: the aggregator can be faster than the backend.
          always: {
            guard: 'heard',
            target: '#payment.idle',
            actions: [
              { type: 'reply', params: ({ context }) => ({ text: texts.ended(draftOf(context), heardOf(context)) }) },
              {
                type: 'close',
                params: ({ context }) => ({ outcome: heardOf(context)?.settled ? 'settled' : 'failed' }),
              },
            ],
          },
          on: {
            'message.received': {
              guard: { type: 'command', params: { name: 'status' } },
              actions: {
                type: 'reply',
                params: ({ context }) => ({ text: texts.openStatus(draftOf(context), context.paymentId) }),
              },
            },
          },
        },
      },
    },
  },
});
