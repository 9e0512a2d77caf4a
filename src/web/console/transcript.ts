import { signal } from '@preact/signals';
import type { ConsoleChat, Line, Transcript } from './answers.ts';
import * as answers from './answers.ts';
import { failureText } from './words.ts';

/** Lines that are in the page at once, at most; those beyond are asked for again. As many as one answer has. */
const KEPT_MAX = 200;
const PAGE = 60;
/** While the index takes in the past, older lines are looked for again. */
const INDEXING_EVERY_MS = 1000;

/** A chat's transcript: a window on it that moves both ways, and follows what happens while it is at the end. */
export function createTranscript(chat: string, seq: number | null) {
  const lines = signal<readonly Line[]>([]);
  const row = signal<ConsoleChat | null>(null);
  const earlier = signal(false);
  const later = signal(false);
  const loaded = signal(false);
  /** The index has not come to the beginning yet: there may be older lines than it knows. */
  const indexing = signal(false);
  const failure = signal<string | null>(null);
  /** The entry that was linked to; it is gone, or not of this chat, where no line has it. */
  const wanted = signal(seq);
  let closed = false;
  let busy: Promise<void> = Promise.resolve();
  let retryTimer: ReturnType<typeof setTimeout> | undefined;

  /** One thing after the other: answers do not overtake. After one that failed all is looked at again. */
  function queue(work: () => Promise<void>): Promise<void> {
    busy = busy.then(async () => {
      if (closed) return;
      try {
        await work();
        failure.value = null;
      } catch (error) {
        failure.value = failureText(error);
        clearTimeout(retryTimer);
        if (answers.mayPass(error) && !closed) retryTimer = setTimeout(() => void changed(), answers.RETRY_MS);
      }
    });
    return busy;
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  function note({ progress }: Transcript): void {
    indexing.value = !progress.complete && progress.fault === null;
    if (timer !== undefined || !indexing.value || earlier.value || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void queue(probe);
    }, INDEXING_EVERY_MS);
  }

  /** Whether there are older lines by now. */
  async function probe(): Promise<void> {
    const [first] = lines.value;
    if (first === undefined) return newest();
    const page = await answers.transcript(chat, { before: first.seq, limit: 1 });
    earlier.value = page.lines.length > 0;
    note(page);
    return undefined;
  }

  async function newest(): Promise<void> {
    const page = await answers.transcript(chat, { limit: PAGE });
    lines.value = page.lines;
    earlier.value = page.earlier;
    later.value = false;
    row.value = page.chat;
    loaded.value = true;
    note(page);
  }

  async function around(at: number): Promise<void> {
    const page = await answers.transcript(chat, { around: at, limit: PAGE });
    lines.value = page.lines;
    earlier.value = page.earlier;
    later.value = page.later;
    row.value = page.chat;
    wanted.value = at;
    loaded.value = true;
    note(page);
  }

  const begin = (): Promise<void> => (wanted.value === null ? newest() : around(wanted.value));

  async function loadEarlier(): Promise<void> {
    const [first] = lines.value;
    if (!earlier.value || first === undefined) return;
    const page = await answers.transcript(chat, { before: first.seq, limit: PAGE });
    const joined = [...page.lines, ...lines.value];
    if (joined.length > KEPT_MAX) later.value = true;
    lines.value = joined.slice(0, KEPT_MAX);
    earlier.value = page.earlier;
    note(page);
  }

  async function loadLater(): Promise<void> {
    const last = lines.value.at(-1);
    if (!later.value || last === undefined) return;
    const page = await answers.transcript(chat, { after: last.seq, limit: PAGE });
    const joined = [...lines.value, ...page.lines];
    if (joined.length > KEPT_MAX) earlier.value = true;
    lines.value = joined.slice(-KEPT_MAX);
    later.value = page.later;
  }

  /** What is shown, as it is now: new lines, and what became of the old ones. */
  async function refresh(): Promise<void> {
    const [first] = lines.value;
    if (first === undefined) return begin();
    const limit = later.value ? lines.value.length : KEPT_MAX;
    const page = await answers.transcript(chat, { after: first.seq - 1, limit });
    row.value = page.chat;
    note(page);
    if (!later.value && page.later) return newest();
    lines.value = page.lines;
    return undefined;
  }

  let again = false;
  let looking = false;
  /** Several changes at once are one look. */
  async function changed(): Promise<void> {
    again = true;
    if (looking) return;
    looking = true;
    while (again && !closed) {
      again = false;
      await queue(refresh);
    }
    looking = false;
  }

  void queue(begin);

  return {
    ...{ chat, lines, row, earlier, later, loaded, indexing, failure, wanted, changed },
    loadEarlier: () => queue(loadEarlier),
    loadLater: () => queue(loadLater),
    toNewest: () => queue(newest),
    to: (at: number) => queue(() => around(at)),
    close(): void {
      closed = true;
      clearTimeout(timer);
      clearTimeout(retryTimer);
    },
  };
}
export type TranscriptModel = ReturnType<typeof createTranscript>;
