import { BackendFailed } from '../../src/backend/backend.ts';
import type { Journal, Tx } from '../../src/journal/journal.ts';
import { TelegramUnreachable } from '../../src/telegram/errors.ts';
import type { Mutation } from './world.ts';

const EARLY_MS = 20;
const LATE_MS = 50_000;

/** Bugs that somebody might write, each put into something real by wrapping it. */
export const MUTATIONS: Readonly<Record<string, { readonly breaks: string; readonly mutation: Mutation }>> = {
  'an update that comes again is taken for a new one': {
    breaks: 'I2',
    mutation: tx({ seenUpdates: async () => new Set() }),
  },
  'what has become too old goes by the wall clock': {
    breaks: 'I2',
    mutation: tx((real) => ({ provenNow: real.now })),
  },
  'the pace goes by the wall clock': {
    breaks: 'liveness',
    mutation: tx((real) => ({ steadyNow: real.now })),
  },
  'updates are confirmed before they are committed': {
    breaks: 'I1',
    mutation: { journal: (journal) => resolvesEarly(journal, 'setPollOffset') },
  },
  'messages are sent before the claim is committed': {
    breaks: 'I5',
    mutation: { journal: (journal) => resolvesEarly(journal, 'claimable') },
  },
  'a claim is not written down': {
    breaks: 'I5',
    mutation: tx({ claim: () => {} }),
  },
  'a press counts from whatever message it comes': {
    breaks: 'presses',
    mutation: tx((real) => ({
      message: async (seq: number) => {
        const message = await real.message(seq);
        return message === null ? null : { ...message, telegramMessageId: null };
      },
    })),
  },
  'a message of unknown fate is sent again': {
    breaks: 'I5',
    mutation: changing((change) => (change.status === 'unknown' ? { ...change, status: 'queued' } : change)),
  },
  'a call leaves before that is noted': {
    breaks: 'I5',
    mutation: { marks: (marks) => ({ ...marks, leaving: () => {} }) },
  },
  'a call whose answer was lost is made again at once': {
    breaks: 'I5',
    mutation: {
      api: (api) => ({
        ...api,
        call: (method, params, options) =>
          api.call(method, params, options).catch((error) => {
            if (method === 'getUpdates' || !(error instanceof TelegramUnreachable)) throw error;
            return api.call(method, params, options);
          }),
      }),
    },
  },
  'a timer fires a little early': {
    breaks: 'timers',
    mutation: {
      journal: (journal) => {
        const early = withTx(journal, (real) => ({
          dueTimers: (now, limit) => real.dueTimers(now + EARLY_MS, limit),
          dueTimersOf: (conversation, now) => real.dueTimersOf(conversation, now + EARLY_MS),
        }));
        return {
          ...early,
          nextTimerAt: () => journal.nextTimerAt().then((at) => (at === null ? null : at - EARLY_MS)),
        };
      },
    },
  },
  'timers fire late': {
    breaks: 'timers',
    mutation: {
      journal: (journal) => ({
        ...withTx(journal, (real) => ({ dueTimers: (now, limit) => real.dueTimers(now - LATE_MS, limit) })),
        nextTimerAt: () => journal.nextTimerAt().then((at) => (at === null ? null : at + LATE_MS)),
      }),
    },
  },
  'due timers fire in reverse order': {
    breaks: 'timers',
    mutation: tx((real) => ({
      dueTimers: (now, limit) => real.dueTimers(now, limit).then((timers) => timers.reverse()),
    })),
  },
  'what is overdue does not come before what its chat is sent': {
    breaks: 'timers',
    mutation: tx({ dueTimersOf: async () => [] }),
  },
  'the end of a conversation leaves its timers': { breaks: 'timers', mutation: tx({ clearTimers: () => {} }) },
  'the end of a conversation leaves its requests': { breaks: 'requests', mutation: tx({ withdrawRequests: () => {} }) },
  'a request times out, and is never asked': {
    breaks: 'requests',
    mutation: {
      backend: () => ({
        ask: () => Promise.reject(new BackendFailed('timeout', 'no answer', false)),
        close: async () => {},
      }),
    },
  },
  'what a quarantined chat is sent is not held': { breaks: 'I3', mutation: tx({ holdEvent: () => {} }) },
  'a quarantined chat that goes on is still listed': { breaks: 'I8', mutation: tx({ endQuarantine: async () => 0 }) },
  'what a retried step takes back has come all the same': {
    breaks: 'I3',
    mutation: tx({ forgetAwaited: () => {} }),
  },
  'what came for a quarantined chat keeps the name of another version': {
    breaks: 'I3',
    mutation: tx({ renameHeld: () => {} }),
  },
  'another version does not see what came for a quarantined chat': {
    breaks: 'I3',
    mutation: tx({ heldAwaited: async () => [] }),
  },
  'a retry takes what is held, and keeps it': { breaks: 'I3', mutation: tx({ dropHeld: () => {} }) },
  'conversations of another version are passed over at the start': {
    breaks: 'liveness',
    mutation: { journal: (journal) => ({ ...journal, conversationVersions: async () => [] }) },
  },
  'a timer is not taken back': { breaks: 'timers', mutation: tx({ clearTimer: () => {} }) },
  'a request that was answered stays open': { breaks: 'requests', mutation: tx({ closeRequest: () => {} }) },
  'a request that was withdrawn stays open': { breaks: 'requests', mutation: tx({ withdrawRequest: () => {} }) },
  'a conversation is not stored once it is in memory': {
    breaks: 'I3',
    mutation: tx((real) => ({
      saveConversation: (record) => {
        if (record.state !== '"waiting"') real.saveConversation(record);
      },
    })),
  },
  'the same post is accepted again': {
    breaks: 'I2',
    mutation: tx({ remembered: async () => null, remember: () => {} }),
  },
  'operators are not told of the last entry of a commit': {
    breaks: 'I4',
    mutation: {
      journal: (journal) => ({
        ...journal,
        onCommit: (listener) =>
          journal.onCommit((commit) => listener({ ...commit, entries: commit.entries.slice(0, -1) })),
      }),
    },
  },
  'readers are not told what retention took': {
    breaks: 'I4',
    mutation: {
      journal: (journal) => ({ ...journal, bounds: () => ({ ...journal.bounds(), first: 1 }) }),
    },
  },
  'whoever held the bot before goes on': {
    breaks: 'I6',
    mutation: { sql: (sql) => sql.replaceAll('epoch = ?', 'epoch >= ?') },
  },
  'nobody hears that a message was queued': {
    breaks: 'liveness',
    mutation: {
      journal: (journal) => ({
        ...journal,
        onCommit: (listener) => journal.onCommit((commit) => listener({ ...commit, outbox: false })),
      }),
    },
  },
};

/** Some methods of every transaction are others. */
/** The journal, with some of its transactions' methods in place of the real ones. */
export function withTx(journal: Journal, broken: (real: Tx) => Partial<Tx>): Journal {
  return {
    ...journal,
    write: (job, patient) =>
      journal.write((real) => {
        const methods = broken(real);
        return job(new Proxy(real, { get: (target, name) => Reflect.get(name in methods ? methods : target, name) }));
      }, patient),
  };
}

function tx(broken: Partial<Tx> | ((real: Tx) => Partial<Tx>)): Mutation {
  return { journal: (journal) => withTx(journal, typeof broken === 'function' ? broken : () => broken) };
}

function changing(
  broken: (change: Parameters<Tx['changeMessage']>[1]) => Parameters<Tx['changeMessage']>[1],
): Mutation {
  return tx((real) => ({ changeMessage: (seq, change) => real.changeMessage(seq, broken(change)) }));
}

/** Units of work that use this method are told to be durable as soon as they have run, and before they are committed. */
function resolvesEarly(journal: Journal, uses: keyof Tx): Journal {
  return {
    ...journal,
    write: <T>(job: (tx: Tx) => Promise<T>, patient?: boolean) =>
      new Promise<T>((resolve, reject) => {
        journal
          .write(async (real) => {
            let used = false;
            const spied = new Proxy(real, {
              get(target, name) {
                used ||= name === uses;
                return Reflect.get(target, name);
              },
            });
            const value = await job(spied);
            if (used) resolve(value);
            return value;
          }, patient)
          .then(resolve, reject);
      }),
  };
}
