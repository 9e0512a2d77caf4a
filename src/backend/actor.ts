import { fromCallback } from 'xstate';
import type { Clock, TimerHandle } from '../clock.ts';
import type { Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { RequestRunner } from './requests.ts';

export interface BackendActorOptions {
  readonly runner: RequestRunner;
  readonly journal: Pick<Journal, 'openRequests' | 'newestRequests' | 'openRequestCount'>;
  readonly clock: Clock;
  readonly onUp: () => void;
  readonly onError: (error: unknown) => void;
}

export type BackendEvent =
  /** Requests were made, or there is room for another. */
  | { readonly type: 'requests.made' | 'requests.freed' }
  | { readonly type: 'requests.withdrawn'; readonly ids: readonly string[] };

/** Twice what runs at once: those that run are among the oldest, and the rest fill the room. */
const LOOK = 2 * limits.requestsInFlightMax;

/**
 * The requests' runner as an actor. What is open is read from the journal each time, and read again soon where that
 * fails, so that nothing is missed.
 */
export const backendLogic = ({ runner, journal, clock, onUp, onError }: BackendActorOptions) =>
  fromCallback<BackendEvent>(({ receive }) => {
    /** The src that was looked at last: where there is no more room, the next look goes on behind it, so that all get some. */
    let after = '';
    let looking = false;
    let again = false;
    let later: TimerHandle | undefined;
    let stopped = false;

    /** One look at a time: what asks for one meanwhile is served by one more. */
    async function look(): Promise<void> {
      again = true;
      if (looking) return;
      looking = true;
      while (again) await lookOnce().catch(lookLater);
      looking = false;
    }

    function lookLater(error: unknown): void {
      onError(error);
      clock.clearTimeout(later);
      if (!stopped) later = clock.setTimeout(() => void look(), limits.restartMinMs);
    }

    async function lookOnce(): Promise<void> {
      again = false;
      for (let round = after === ''; runner.hasRoom(); ) {
        const page = await journal.openRequests(LOOK + runner.resting(), after);
        runner.take(page);
        after = page.at(-1)?.src ?? '';
        if (after !== '') continue;
        if (round) break;
        round = true;
      }
      const over = (await journal.openRequestCount()) - limits.requestsOpenMax;
      if (over > 0) runner.refuse(await journal.newestRequests(Math.min(over, LOOK)));
    }
    receive((event) => {
      if (event.type === 'requests.withdrawn') runner.withdraw(event.ids);
      else void look();
    });
    void look();
    onUp();
    return () => {
      stopped = true;
      clock.clearTimeout(later);
    };
  });
