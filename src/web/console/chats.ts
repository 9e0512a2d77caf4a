import { signal } from '@preact/signals';
import type { ConsoleChat, Filter, Progress } from './answers.ts';
import * as answers from './answers.ts';
import { failureText } from './words.ts';

const PAGE = 100;
/** Between two looks at what has changed: the first is at once. */
const LOOK_EVERY_MS = 100;
/** Changed chats of one look, those that changed last. The others are looked at next, and not so often: nobody could read it. */
const CHANGED_MAX = 200;
const BUSY_EVERY_MS = 500;
/** While the index takes in the past, the list is looked at again. */
const INDEXING_EVERY_MS = 1000;

export const NO_FILTER: Filter = { kind: 'all', machine: null, state: null };

const newerFirst = (a: ConsoleChat, b: ConsoleChat): number => b.seq - a.seq || (a.chat < b.chat ? 1 : -1);

/** The list of chats: loaded page by page, and kept up as things happen. */
export function createChats() {
  const rows = signal<readonly ConsoleChat[]>([]);
  const filter = signal<Filter>(NO_FILTER);
  const total = signal<number | null>(null);
  const progress = signal<Progress | null>(null);
  const failure = signal<string | null>(null);
  const loaded = signal(false);
  /** What the next page goes on from; null: all chats are here. */
  let next: string | null = null;
  let loading = false;
  let closed = false;
  /** Counts what makes an answer that is under way worthless. */
  let turn = 0;
  const changedChats = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = false;

  let reloadTimer: ReturnType<typeof setTimeout> | undefined;
  async function reload(): Promise<void> {
    const mine = ++turn;
    clearTimeout(reloadTimer);
    changedChats.clear();
    try {
      const page = await answers.chats(filter.value, null, PAGE);
      if (mine !== turn || closed) return;
      rows.value = page.chats;
      next = page.next;
      total.value = page.total;
      progress.value = page.progress;
      failure.value = null;
      loaded.value = true;
      followIndex();
    } catch (error) {
      if (mine !== turn || closed) return;
      failure.value = failureText(error);
      if (answers.mayPass(error)) reloadTimer = setTimeout(() => void reload(), answers.RETRY_MS);
    }
  }

  /** New chats come into view while the past is taken in, though nothing happens in them. */
  let indexTimer: ReturnType<typeof setTimeout> | undefined;
  function followIndex(): void {
    clearTimeout(indexTimer);
    if (progress.value?.complete !== false || progress.value.fault !== null) return;
    indexTimer = setTimeout(async () => {
      const page = await answers.chats(filter.value, null, PAGE).catch(() => null);
      if (closed) return;
      if (page === null) return followIndex();
      progress.value = page.progress;
      total.value = page.total;
      if (rows.value.length > PAGE) put(page.chats, new Set(page.chats.map(({ chat }) => chat)));
      else {
        rows.value = page.chats;
        next = page.next;
      }
      followIndex();
    }, INDEXING_EVERY_MS);
  }

  async function more(): Promise<void> {
    if (loading || next === null) return;
    loading = true;
    const mine = turn;
    try {
      const page = await answers.chats(filter.value, next, PAGE);
      if (mine !== turn) return;
      const here = new Set(rows.value.map(({ chat }) => chat));
      rows.value = [...rows.value, ...page.chats.filter(({ chat }) => !here.has(chat))];
      next = page.next;
      failure.value = null;
    } catch (error) {
      failure.value = failureText(error);
    } finally {
      loading = false;
    }
  }

  function put(found: readonly ConsoleChat[], asked: ReadonlySet<string>): void {
    const last = rows.value.at(-1);
    const fits = found.filter((row) => next === null || last === undefined || newerFirst(row, last) <= 0);
    const kept = rows.value.filter(({ chat }) => !asked.has(chat));
    const added = [...fits].sort(newerFirst);
    // What changed is nearly always the newest: no need to sort all.
    const [first] = kept;
    const oldest = added.at(-1);
    const inFront = first === undefined || oldest === undefined || newerFirst(oldest, first) <= 0;
    rows.value = inFront ? [...added, ...kept] : [...added, ...kept].sort(newerFirst);
    const { kind, machine } = filter.value;
    // All are here: no need to ask how many there are.
    if (next === null && kind === 'all' && machine === null) total.value = rows.value.length;
  }

  async function lookAtChanged(): Promise<void> {
    if (looking || closed) return;
    looking = true;
    const isBusy = changedChats.size > CHANGED_MAX;
    const ids = [...changedChats].slice(-CHANGED_MAX);
    for (const id of ids) changedChats.delete(id);
    const mine = turn;
    let waits = isBusy;
    try {
      const page = await answers.chatsOf(filter.value, ids);
      progress.value = page.progress;
      if (mine === turn && !closed) put(page.chats, new Set(ids));
      else lookAgainAt(ids);
      failure.value = null;
    } catch (error) {
      failure.value = failureText(error);
      waits = true;
      if (answers.mayPass(error)) lookAgainAt(ids);
    }
    looking = false;
    timer = setTimeout(
      () => {
        timer = undefined;
        if (changedChats.size > 0) void lookAtChanged();
      },
      waits ? BUSY_EVERY_MS : LOOK_EVERY_MS,
    );
  }

  /** Before those that changed since. */
  function lookAgainAt(ids: readonly string[]): void {
    const newer = [...changedChats];
    for (const id of ids) changedChats.add(id);
    for (const id of newer) {
      changedChats.delete(id);
      changedChats.add(id);
    }
  }

  return {
    ...{ rows, filter, total, progress, failure, loaded, reload, more },
    hasMore: () => next !== null,
    changed(chat: string): void {
      // The last to change is the last of the set.
      changedChats.delete(chat);
      changedChats.add(chat);
      if (timer === undefined) void lookAtChanged();
    },
    choose(change: Partial<Filter>): void {
      filter.value = { ...filter.value, ...change };
      rows.value = [];
      loaded.value = false;
      next = null;
      void reload();
    },
    close(): void {
      closed = true;
      for (const one of [timer, indexTimer, reloadTimer]) clearTimeout(one);
    },
  };
}
export type Chats = ReturnType<typeof createChats>;
