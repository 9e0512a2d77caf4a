import { fromCallback } from 'xstate';
import type { Commit } from '../journal/journal.ts';
import type { Operators } from './operators.ts';

/**
 * The broadcast as an actor: it hears of each commit, and readers at the head get its entries. What was committed while
 * it was down they get as it starts.
 */
export const operatorsLogic = (options: { readonly operators: Operators; readonly onUp: () => void }) =>
  fromCallback<{ readonly type: 'journal.committed'; readonly commit: Commit }>(({ receive }) => {
    receive(({ commit }) => options.operators.publish(commit.entries));
    options.operators.catchUp();
    options.onUp();
  });
