import { CallImpossible, GatewayRefused, TelegramRefused, TelegramUnreachable } from './errors.ts';
import { WRITE_METHODS } from './methods.ts';
import type { BotApi, CallCounts, CallOutcome } from './telegram.ts';

/** What Switchboard calls beside the methods that write. */
const READ_METHODS = ['getUpdates', 'getMe', 'getChat', 'getFile', 'getWebhookInfo', 'deleteWebhook'];

/** The same Bot API, and how its calls ended. */
export function countCalls(api: BotApi): { readonly api: BotApi; readonly counts: () => CallCounts } {
  const known = new Set([...Object.keys(WRITE_METHODS), ...READ_METHODS]);
  const counts = new Map<string, Map<CallOutcome, number>>();
  let waitAskedS = 0;

  function count(name: string, outcome: CallOutcome): void {
    const method = known.has(name) ? name : 'other';
    const ofMethod = counts.get(method) ?? new Map<CallOutcome, number>();
    counts.set(method, ofMethod.set(outcome, (ofMethod.get(outcome) ?? 0) + 1));
  }

  return {
    api: {
      ...api,
      async call(method, params, options) {
        try {
          const result = await api.call(method, params, options);
          count(method, 'ok');
          return result;
        } catch (error) {
          count(method, outcomeOf(error));
          if (error instanceof TelegramRefused) waitAskedS += (error.retryAfterMs ?? 0) / 1000;
          throw error;
        }
      },
    },
    counts: () => ({
      calls: [...counts].flatMap(([method, of]) =>
        [...of].map(([outcome, times]) => ({ method, outcome, count: times })),
      ),
      waitAskedS,
    }),
  };
}

function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof TelegramRefused) {
    if (error.errorCode === 429) return 'rate_limited';
    return error.errorCode >= 500 ? 'server_error' : 'refused';
  }
  if (error instanceof GatewayRefused) return 'gateway';
  const isUnsent = error instanceof CallImpossible || (error instanceof TelegramUnreachable && !error.left);
  return isUnsent ? 'not_sent' : 'no_answer';
}
