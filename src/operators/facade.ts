import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import type { CursorRecord, Entry, Journal } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import type { StatusStore } from '../status.ts';
import { confirmedBy, countedFromEnd, lastSeqBefore, pagesAfter, type UpdateSource } from './facade-place.ts';
import { type Allowed, isAllowed } from './facade-update.ts';
import type { PollRequest, QueuePoller, UpdateQueues } from './operators.ts';

export interface UpdateQueuesOptions {
  readonly journal: Pick<Journal, 'stream' | 'bounds' | 'read' | 'cursor' | 'write' | 'onCommit'>;
  readonly clock: Clock;
  /** Resolves once other work has had its turn; by default after the I/O at hand. */
  readonly turn?: () => Promise<void>;
  /** Told how many polls are under way. */
  readonly status?: StatusStore;
}

/** A poll under way: the only one of its key. */
interface Turn {
  readonly request: PollRequest;
  /** Why it ends before its time. */
  ended: SwitchboardError | null;
  /** Set once something came that it may want, and until it looks. */
  news: boolean;
  /** Ends its wait. */
  wake: () => void;
}

/** What is remembered of a key that polls. */
type Seen = Omit<QueuePoller, 'keyId' | 'polling' | 'lag'>;

/** How far a key's queue was found empty, so that the next poll does not look through the same entries again. */
interface Empty {
  readonly cursorSeq: number;
  readonly allowed: string | null;
  readonly upTo: number;
}

const SUPERSEDED = 'terminated by other getUpdates request; make sure that only one bot instance is running';

const GONE = 'the poll was given up while it looked for what is new: try again soon';

/** The queues over the journal. Beside the cursors in the database a key costs its poll under way, and a few numbers. */
export function createUpdateQueues(options: UpdateQueuesOptions): UpdateQueues {
  const { journal, clock, turn = afterIo, status } = options;
  const polls = new Map<string, Turn>();
  const empty = new Map<string, Empty>();
  /** In the order of their last polls. */
  const pollers = new Map<string, Seen>();

  journal.onCommit(({ entries }) => {
    if (polls.size === 0) return;
    const updates = entries.filter(({ type }) => type === 'update.received');
    for (const poll of polls.values()) {
      if (!updates.some((entry) => isOf(poll.request.chats, entry))) continue;
      poll.news = true;
      poll.wake();
    }
  });

  const end = (keyId: string, why: SwitchboardError): void => {
    const poll = polls.get(keyId);
    if (poll === undefined) return;
    polls.delete(keyId);
    poll.ended = why;
    poll.wake();
  };

  /** The key's cursor as it is stored; at its first poll behind the entries that are too old to be given. */
  async function cursorOf(keyId: string): Promise<CursorRecord> {
    const stored = await journal.cursor(keyId);
    if (stored !== null) return stored;
    const seq = await lastSeqBefore(journal, clock.now() - limits.facadeBacklogMs);
    return save({ keyId, seq, confirmedOffset: null, allowedUpdates: null });
  }

  /** Moves the cursor on, never back: a poll that was superseded may come later. */
  function save(next: Omit<CursorRecord, 'updatedAt'>): Promise<CursorRecord> {
    return journal.write(async (tx) => {
      const stored = await tx.cursor(next.keyId);
      const moved = stored !== null && stored.seq > next.seq ? { ...next, seq: stored.seq } : next;
      tx.saveCursor(moved);
      return { ...moved, updatedAt: tx.now };
    });
  }

  /** Takes in what the poll says: what it confirms, and the kinds that it asks for. Durable when it resolves. */
  async function place({ keyId, offset, allowed }: PollRequest, source: UpdateSource): Promise<CursorRecord> {
    const cursor = await cursorOf(keyId);
    const allowedUpdates = allowed === null ? cursor.allowedUpdates : storedKinds(allowed);
    let { seq, confirmedOffset } = cursor;
    if (offset > 0) seq = await confirmedBy(source, cursor, offset);
    if (offset < 0) seq = await countedFromEnd(source, cursor, kindsOf(allowedUpdates), -offset);
    if (seq > cursor.seq && offset > 0) confirmedOffset = offset;
    // What nobody will ever be given must not be kept for this key.
    const known = empty.get(keyId);
    const isEmpty = known?.cursorSeq === seq && known.allowed === allowedUpdates;
    if (isEmpty && known.upTo - seq >= limits.facadeSkipMax) seq = known.upTo;
    if (seq === cursor.seq && allowedUpdates === cursor.allowedUpdates) return cursor;
    return save({ keyId, seq, confirmedOffset, allowedUpdates });
  }

  /** What there is behind the cursor. Never so much that its ids descend: no offset could say what of it was taken. */
  async function given(source: UpdateSource, cursor: CursorRecord, limit: number): Promise<string[]> {
    const { keyId, seq: cursorSeq, allowedUpdates } = cursor;
    const allowed = kindsOf(allowedUpdates);
    const known = empty.get(keyId);
    const isKnown = known?.cursorSeq === cursorSeq && known.allowed === allowedUpdates;
    const texts: string[] = [];
    let bytes = 0;
    let lastId = Number.NEGATIVE_INFINITY;
    for await (const { updates, after } of pagesAfter(source, isKnown ? known.upTo : cursorSeq)) {
      for (const { updateId, kind, text } of updates) {
        if (!isAllowed(allowed, kind)) continue;
        if (updateId < lastId) return texts;
        texts.push(text);
        bytes += Buffer.byteLength(text);
        lastId = updateId;
        if (texts.length >= limit || bytes >= limits.facadeAnswerBytesMax) return texts;
      }
      if (texts.length === 0) empty.set(keyId, { cursorSeq, allowed: allowedUpdates, upTo: after });
    }
    return texts;
  }

  function tellStatus(): void {
    if (status === undefined) return;
    const { operators } = status.getSnapshot().context;
    if (operators.polling !== polls.size)
      status.trigger.set({ values: { operators: { ...operators, polling: polls.size } } });
  }

  /** Notes how far a key is, and what it was given. */
  function note({ keyId, chats }: PollRequest, polledAt: number, after: number, texts: readonly string[]): void {
    const given = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const bytes = (pollers.get(keyId)?.bytes ?? 0) + given;
    pollers.delete(keyId);
    pollers.set(keyId, { chats, polledAt, after, bytes });
    const [oldest] = pollers.keys();
    if (pollers.size > limits.facadePollersMax && oldest !== undefined) pollers.delete(oldest);
  }

  async function wait(poll: Turn, timeoutMs: number): Promise<void> {
    const { signal } = poll.request;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(done, timeoutMs);
      function done(): void {
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      poll.wake = done;
      signal.addEventListener('abort', done, { once: true });
      if (poll.news || poll.ended !== null || signal.aborted) done();
    });
  }

  /** Between two pages of a poll: other work has its turn, and nothing more is read where nobody waits for it. */
  async function turnOf(poll: Turn): Promise<void> {
    await turn();
    if (poll.ended !== null) throw poll.ended;
    if (poll.request.signal.aborted)
      throw new SwitchboardError('shutting_down', GONE, { retryAfterMs: limits.reconnectMs });
  }

  async function poll(request: PollRequest): Promise<readonly string[]> {
    const { keyId, chats, limit, timeoutMs, signal } = request;
    end(keyId, new SwitchboardError('poll_superseded', SUPERSEDED));
    const own: Turn = { request, ended: null, news: false, wake: () => {} };
    polls.set(keyId, own);
    tellStatus();
    const polledAt = clock.now();
    const until = clock.steadyNow() + timeoutMs;
    const source = { journal, chats, turn: () => turnOf(own) };
    try {
      const cursor = await place(request, source);
      note(request, polledAt, cursor.seq, []);
      for (;;) {
        own.news = false;
        const texts = own.ended === null ? await given(source, cursor, limit) : [];
        if (own.ended !== null) throw own.ended;
        const left = until - clock.steadyNow();
        if (texts.length > 0 || left <= 0 || signal.aborted) {
          note(request, polledAt, cursor.seq, texts);
          return texts;
        }
        await wait(own, left);
      }
    } finally {
      if (polls.get(keyId) === own) polls.delete(keyId);
      tellStatus();
    }
  }

  return {
    poll,
    async dropPending(keyId) {
      const cursor = await cursorOf(keyId);
      await save({ ...cursor, seq: journal.bounds().head });
    },
    end(keyId) {
      empty.delete(keyId);
      pollers.delete(keyId);
      end(keyId, new SwitchboardError('key_missing', 'The key has expired or was revoked'));
    },
    list() {
      const { head } = journal.bounds();
      const one = ([keyId, seen]: [string, Seen]) => {
        return { ...seen, keyId, polling: polls.has(keyId), lag: Math.max(0, head - seen.after) };
      };
      return [...pollers].map(one).reverse();
    },
  };
}

const isOf = (chats: readonly string[] | null, { chat }: Entry): boolean =>
  chats === null || (chat !== null && chats.includes(chat));

const storedKinds = (kinds: readonly string[]): string | null => (kinds.length === 0 ? null : JSON.stringify(kinds));

function kindsOf(stored: string | null): Allowed {
  if (stored === null) return null;
  const kinds: unknown = JSON.parse(stored);
  return new Set(Array.isArray(kinds) ? kinds.map(String) : []);
}

const afterIo = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
