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
    let again: TimerHandle | undefined;
    let stopped = false;

    async function read(): Promise<void> {
      runner.take(await journal.openRequests(LOOK));
      const over = (await journal.openRequestCount()) - limits.requestsOpenMax;
      if (over > 0) runner.refuse(await journal.newestRequests(Math.min(over, LOOK)));
    }
    function look(): void {
      read().catch((error: unknown) => {
        onError(error);
        clock.clearTimeout(again);
        if (!stopped) again = clock.setTimeout(look, limits.restartMinMs);
      });
    }
    receive((event) => {
      if (event.type === 'requests.withdrawn') runner.withdraw(event.ids);
      else look();
    });
    look();
    onUp();
    return () => {
      stopped = true;
      clock.clearTimeout(again);
    };
  });
