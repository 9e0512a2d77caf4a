import { fromCallback } from 'xstate';
import type { RequestRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { RequestRunner } from './requests.ts';

export interface BackendActorOptions {
  readonly runner: RequestRunner;
  readonly openRequests: (limit: number) => Promise<RequestRecord[]>;
  readonly onUp: () => void;
  readonly onError: (error: unknown) => void;
}

/** Requests were made, or a request has ended and there is room for another. */
export type BackendEvent = { readonly type: 'journal.committed' | 'request.ended' };

/** The requests' runner as an actor. What is open is read from the journal each time, so that nothing is missed. */
export const backendLogic = ({ runner, openRequests, onUp, onError }: BackendActorOptions) =>
  fromCallback<BackendEvent>(({ receive }) => {
    // Twice what runs at once: those that run are among the oldest, and the rest fill the room.
    const look = (): void =>
      void openRequests(2 * limits.requestsInFlightMax)
        .then(runner.take)
        .catch(onError);
    receive(look);
    look();
    onUp();
  });
