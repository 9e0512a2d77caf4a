import { useEffect, useState } from 'preact/hooks';
import { noteRefusal } from '../ui/login.ts';
import * as answers from './answers.ts';
import { type FollowedFeed, followFeed } from './feed.ts';
import { createLife, type Life } from './life.ts';
import { LIVE } from './live-sequence.ts';

/** How often chats are counted again while the page is seen. */
const COUNT_EVERY_MS = 2000;

/** A chat's life, while it is looked at. */
export function useLife(chat: string | null): Life | null {
  const [life, setLife] = useState<Life | null>(null);
  useEffect(() => {
    if (chat === null) {
      setLife(null);
      return undefined;
    }
    const made = createLife(chat);
    setLife(made);
    return () => made.close();
  }, [chat]);
  return chat === null ? null : life;
}

/** The live actors' feed, while it is wanted. */
export function useFeed(wanted: boolean): FollowedFeed | null {
  const [feed, setFeed] = useState<FollowedFeed | null>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    const made = followFeed(LIVE);
    setFeed(made);
    return () => {
      made.close();
      setFeed(null);
    };
  }, [wanted]);
  return feed;
}

/** How many chats of a machine are in each state, counted again from time to time while the page is seen. */
export function useCounts(machine: string | null): answers.Counts | null {
  const [counts, setCounts] = useState<{ readonly of: string; readonly counts: answers.Counts } | null>(null);
  useEffect(() => {
    if (machine === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const count = async (): Promise<void> => {
      if (!document.hidden) {
        const found = await answers.counts(machine).catch((error: unknown) => {
          noteRefusal(error);
          return null;
        });
        if (gone) return;
        if (found !== null) setCounts({ of: machine, counts: found });
      }
      timer = setTimeout(count, COUNT_EVERY_MS);
    };
    void count();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [machine]);
  return counts?.of === machine ? counts.counts : null;
}
