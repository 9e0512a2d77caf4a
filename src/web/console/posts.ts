import { signal } from '@preact/signals';
import type { SentMessage } from '../../console/console.ts';
import { refreshWho } from '../ui/login.ts';
import * as answers from './answers.ts';

/** A message that was written on this page. */
export interface Post {
  readonly chat: string;
  readonly id: string;
  readonly text: string;
  /** How it stands; null: not known yet. */
  readonly message: SentMessage | null;
}

/** Of more the oldest go. */
const KEPT_MAX = 20;
const LOOK_EVERY_MS = 1000;

const FINAL = ['sent', 'failed', 'expired', 'canceled'];
/** Something may have happened to it since it was last looked at. */
const isOpen = ({ message }: Post): boolean =>
  message === null ||
  (!FINAL.includes(message.status) && (message.send_at === null || Date.parse(message.send_at) <= Date.now()));

/**
 * What was written on this page by a key that reads no chats, and what becomes of it. It asks again and again, so that it
 * holds no connection, and hears of a key that has ended though nothing is on its way.
 */
export function createPosts() {
  const posts = signal<readonly Post[]>([]);
  let closed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function look(id: string): Promise<void> {
    try {
      const message = await answers.message(id);
      posts.value = posts.value.map((post) => (post.id === id ? { ...post, message } : post));
    } catch {
      // Whose key has ended is logged out; what else goes wrong is tried again.
      await refreshWho();
    }
  }

  async function lookAtAll(): Promise<void> {
    const open = posts.value.filter(isOpen);
    for (const { id } of open) if (!closed) await look(id);
    if (open.length === 0) await refreshWho();
    if (!closed) timer = setTimeout(lookAtAll, LOOK_EVERY_MS);
  }
  timer = setTimeout(lookAtAll, LOOK_EVERY_MS);

  return {
    posts,
    look,
    add(post: Omit<Post, 'message'>): void {
      posts.value = [{ ...post, message: null }, ...posts.value].slice(0, KEPT_MAX);
      void look(post.id);
    },
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}
