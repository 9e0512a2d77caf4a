import { onTestFinished } from 'vitest';
import { createActor } from 'xstate';
import type { Batch, PollFailure } from '../../machines/poller.machine.ts';
import { systemClock } from '../../src/clock.ts';
import { createMachineTable } from '../../src/conversations/machines.ts';
import { createRouter } from '../../src/conversations/router.ts';
import { createPoller, type PollerOptions } from '../../src/ingress/poller.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { createHttpBotApi } from '../../src/telegram/http.ts';
import type { BotApi } from '../../src/telegram/telegram.ts';
import { type Started, start } from '../sandbox/start.ts';
import { manualClock, settle } from '../support/clock.ts';
import { openJournal, temporaryFolder } from '../support/journal.ts';

export interface Asked {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A bot at the sandbox with an update queue of its own, and a journal for what it gets. */
export async function newBot() {
  const bot = await start();
  const clock = manualClock();
  const journal = openJournal(temporaryFolder(), clock);
  return { bot, clock, journal };
}

/** The real poller between the sandbox (on the real clock) and a journal; its own waits stand still until told. */
export async function startPoller(options: Partial<PollerOptions> = {}, given?: Awaited<ReturnType<typeof newBot>>) {
  const { bot, clock, journal } = given ?? (await newBot());
  const asked: Asked[] = [];
  const downs: { readonly failure: PollFailure; readonly failures: number }[] = [];
  const received: Batch[] = [];
  const waits: number[] = [];
  const tooLarge: number[] = [];
  const ups = { count: 0 };
  const router = routerOver(journal);
  const poller = createPoller({
    api: recorded(apiOf(bot), asked),
    clock,
    random: () => 1,
    pollTimeoutS: 50,
    deleteWebhook: false,
    pollOffset: () => journal.pollOffset(),
    async receive(batch) {
      received.push(batch);
      await router.receiveUpdates(batch.updates, batch.offset);
    },
    onBot: () => {},
    onUp: () => {
      ups.count += 1;
    },
    onDown: (failure, failures) => void downs.push({ failure, failures }),
    onTooLarge: (updateId) => void tooLarge.push(updateId),
    ...options,
  });
  const actor = createActor(poller, {
    clock: {
      setTimeout(fn, delayMs) {
        waits.push(delayMs);
        return clock.setTimeout(fn, delayMs);
      },
      clearTimeout: (timer) => clock.clearTimeout(timer),
    },
  });
  actor.subscribe({ error: () => {} });
  actor.start();
  onTestFinished(() => void actor.stop());
  return {
    ...{ bot, clock, journal, actor, asked, downs, received, waits, ups, tooLarge },
    polls: () => pollsOf(asked),
  };
}

export type Polling = Awaited<ReturnType<typeof startPoller>>;

/** Resolves once it holds; looks again after every turn of the loop. The test's own time is the bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await settle();
}

/** Resolves when the n-th failure has been told. */
export const untilFailed = ({ downs }: Polling, times: number): Promise<void> => until(() => downs.length >= times);

/** How many updates the sandbox still keeps for the bot. */
export const pending = async (bot: Started): Promise<number> => (await bot.control('')).pending_update_count;

export function apiOf({ sandbox, token }: Started): BotApi {
  const api = createHttpBotApi({ root: sandbox.url, token, connections: 4, clock: systemClock });
  onTestFinished(() => api.close());
  return api;
}

const recorded = (api: BotApi, asked: Asked[]): BotApi => ({
  ...api,
  call(method, params, options) {
    asked.push({ method, params });
    return api.call(method, params, options);
  },
});

const pollsOf = (asked: readonly Asked[]) =>
  asked.filter(({ method }) => method === 'getUpdates').map(({ params }) => params);

const routerOver = (journal: Journal) =>
  createRouter({
    journal,
    machines: createMachineTable({ private: null, group: null, channel: null }, new Map()),
    username: () => null,
  });
