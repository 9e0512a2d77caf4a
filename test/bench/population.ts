import type { AnyStateMachine } from 'xstate';
import { systemClock } from '../../src/clock.ts';
import { createStepper } from '../../src/conversations/step.ts';
import type { ConversationRecord } from '../../src/journal/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import { openDatabase, openReader } from '../../src/journal/sqlite-open.ts';
import { chatOf, FIRST_CHAT, updateText } from './update-text.ts';

export interface Population {
  /** Chats, each with a conversation that stands where the machine begins. */
  readonly chats: number;
  /** Entries, strewn over the chats. */
  readonly entries: number;
  /** Timers, one a conversation of the first chats: the machine's own, where its first state has one. */
  readonly timers: number;
  /** When the n-th timer is due, ms since 1970. */
  readonly dueAt: (n: number) => number;
}

const ROWS_A_UNIT = 1000;
/** Above every id that the load server makes. */
const FIRST_UPDATE = 500_000_000;

/**
 * Fills an empty data folder through the journal's port, as a bot of that size would have left it. `told` hears how far
 * it is, some ten times.
 */
export async function populate(
  folder: string,
  machine: AnyStateMachine,
  { chats, entries, timers, dueAt }: Population,
  told: (line: string) => void,
): Promise<void> {
  const db = openDatabase(folder);
  const reader = openReader(folder);
  const journal = openSqliteJournal({ db, reader, bot: '1', clock: systemClock, newStreamId: () => 'population' });
  const stepper = createStepper(machine.id, machine);
  const fresh = (chat: string): ConversationRecord => {
    const { snapshot } = stepper.start({ conversation: chat, chat });
    return {
      ...{ id: chat, chat, machine: stepper.name, version: stepper.version, status: 'active', error: null },
      ...{ state: JSON.stringify(snapshot.value), snapshot: stepper.persist(snapshot), lastSeq: 1, updatedAt: 0 },
    };
  };
  const begunAt = performance.now();
  async function fill(what: string, count: number, row: (n: number, tx: Parameters<Job>[0]) => void): Promise<void> {
    for (let from = 0; from < count; from += ROWS_A_UNIT) {
      const until = Math.min(count, from + ROWS_A_UNIT);
      await journal.write(async (tx) => {
        for (let n = from; n < until; n += 1) row(n, tx);
      });
      if (Math.floor((until * 10) / count) > Math.floor((from * 10) / count)) {
        const seconds = Math.round((performance.now() - begunAt) / 1000);
        told(`${until.toLocaleString('en')} of ${count.toLocaleString('en')} ${what}, ${seconds} s`);
      }
    }
  }
  await fill('chats', chats, (n, tx) => tx.saveConversation(fresh(String(FIRST_CHAT + n))));
  await fill('entries', entries, (n, tx) => {
    const chat = chatOf(n, chats);
    const updateId = FIRST_UPDATE + n;
    const body = `{"update":${updateText(updateId, chat, 'Hello, is anybody there?')}}`;
    tx.append({ type: 'update.received', chat: String(chat), updateId, body });
  });
  const { effects } = stepper.start({ conversation: '1', chat: '1' });
  const own = effects.find((effect) => effect.kind === 'timer');
  const [id, event] = [own?.id ?? 'patience', JSON.stringify(own?.event ?? { type: 'xstate.after.patience.waiting' })];
  await fill('timers', timers, (n, tx) => {
    tx.setTimer({ conversation: String(FIRST_CHAT + n), id, dueAt: dueAt(n), event });
  });
  await journal.close();
  reader.close();
  db.close();
}

type Job = Parameters<ReturnType<typeof openSqliteJournal>['write']>[0];
