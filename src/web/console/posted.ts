import { signal } from '@preact/signals';
import type { SentMessage } from '../../console/console.ts';
import { fieldsOf, Problem } from '../ui/api.ts';
import { noteRefusal, refreshWho } from '../ui/login.ts';
import * as answers from './answers.ts';

/** Between two looks at what has no fate yet, and at whether the key is still good. */
const LOOK_EVERY_MS = 2000;
/** A message just posted is nearly always settled within this: its fate is waited for. */
const WAIT_S = 2;
/** Posts that are shown; the oldest go. */
const KEPT_MAX = 100;

const FINAL = ['sent', 'failed', 'expired', 'canceled'];

/** A message that was posted on this page, and what has become of it. */
export interface Post {
  readonly id: string;
  readonly chat: string;
  readonly text: string;
  /** Null: not known yet. */
  readonly message: SentMessage | null;
}

/** Something may have happened to it since it was looked at: to what is scheduled nothing does before its time. */
const isOpen = ({ message }: Post): boolean =>
  message === null ||
  (!FINAL.includes(message.status) && (message.send_at === null || Date.parse(message.send_at) <= Date.now()));

/** For a key that reads no transcripts: what was posted on this page, followed until `close`. */
export function createPosted() {
  const posts = signal<readonly Post[]>([]);
  let closed = false;

  async function ask(id: string, waitS: number): Promise<void> {
    try {
      const message = sentOf(await answers.message(id, waitS));
      posts.value = posts.value.map((post) => (post.id === id ? { ...post, message } : post));
    } catch (error) {
      noteRefusal(error);
      // Retention has taken it: nothing will be told of it any more. Whatever else it was, it is asked again.
      if (error instanceof Problem && error.status === 404) posts.value = posts.value.filter((post) => post.id !== id);
    }
  }

  let isWaiting = false;
  /** Its fate as soon as it comes. One is waited for at a time: a browser has few connections. */
  async function lookAt(id: string): Promise<void> {
    if (isWaiting) return ask(id, 0);
    isWaiting = true;
    await ask(id, WAIT_S);
    isWaiting = false;
    return undefined;
  }

  /** One after the other, for the same reason. */
  async function look(): Promise<void> {
    if (!document.hidden) {
      await refreshWho();
      const open = posts.value.filter(isOpen);
      for (const { id } of open) if (!closed) await ask(id, 0);
    }
    if (!closed) timer = setTimeout(look, LOOK_EVERY_MS);
  }
  let timer = setTimeout(look, LOOK_EVERY_MS);

  return {
    ...{ posts, lookAt },
    add(post: Omit<Post, 'message'>): void {
      posts.value = [...posts.value, { ...post, message: null }].slice(-KEPT_MAX);
      void lookAt(post.id);
    },
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** As a transcript has it (src/console/sqlite-answers.ts): of what a key posted it may decide. */
function sentOf({ id, status, method, attempts, send_at: sendAt, error }: answers.MessageNow): SentMessage {
  const { description, may_have_arrived: may } = fieldsOf(error);
  return {
    ...{ id, status, method, attempts, own: true, may_have_arrived: may === true },
    send_at: sendAt ?? null,
    error: typeof description === 'string' ? description : null,
  };
}
