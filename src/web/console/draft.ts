import { batch, signal } from '@preact/signals';
import { Problem } from '../ui/api.ts';
import * as answers from './answers.ts';
import { failureText } from './words.ts';

/** What somebody means to send. */
interface Written {
  readonly text: string;
  /** When, as the form has it; null: at once. */
  readonly at: string | null;
  /** Of the post: a post whose answer was lost is posted again with the same key, and the user gets one message. */
  readonly key: string;
}

/** What could not be sent, and why. */
interface Unsent extends Written {
  readonly words: string;
}

/** What was posted. */
export interface Posted {
  readonly id: string;
  readonly text: string;
}

const newKey = (): string => `console-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;

/**
 * What is being written to a chat. The field is free while a post is under way, and nothing is lost where it fails: the text
 * comes back into the field or, where something else is in it by now, waits beside it.
 */
function createDraft(chat: string) {
  const text = signal('');
  /** The time as the form has it, empty while there is none; null: at once. */
  const at = signal<string | null>(null);
  const busy = signal(false);
  const failure = signal<{ readonly field: string | null; readonly words: string } | null>(null);
  const unsent = signal<readonly Unsent[]>([]);
  let key = newKey();

  /** Another text is another message. */
  function write(change: { readonly text?: string; readonly at?: string | null }): void {
    key = newKey();
    batch(() => {
      failure.value = null;
      if (change.text !== undefined) text.value = change.text;
      if (change.at !== undefined) at.value = change.at;
    });
  }

  async function post(written: Written): Promise<Posted | null> {
    busy.value = true;
    try {
      const delivery = written.at === null ? {} : { delivery: { send_at: new Date(written.at).toISOString() } };
      const to = chat.startsWith('@') ? chat : Number(chat);
      const { id } = await answers.send({ chat_id: to, text: written.text, ...delivery }, written.key);
      return { id, text: written.text };
    } catch (error) {
      keep(written, error);
      return null;
    } finally {
      busy.value = false;
    }
  }

  function keep(written: Written, error: unknown): void {
    const words = failureText(error);
    if (text.value !== '') {
      unsent.value = [...unsent.value, { ...written, words }];
      return;
    }
    write(written);
    key = written.key;
    failure.value = { field: error instanceof Problem ? error.field : null, words };
  }

  return {
    ...{ text, at, busy, failure, unsent, write },
    /** Posts what is written; null: it was not sent. What is to go out at a time that is none is not sent at all. */
    async send(): Promise<Posted | null> {
      const written = { text: text.value, at: at.value, key };
      if (busy.value || written.text.trim() === '') return null;
      if (written.at !== null && Number.isNaN(Date.parse(written.at))) return null;
      write({ text: '', at: null });
      return post(written);
    },
    /** Posts something that could not be sent once more. */
    async again(one: Unsent): Promise<Posted | null> {
      if (busy.value) return null;
      unsent.value = unsent.value.filter((other) => other !== one);
      return post(one);
    },
  };
}
export type Draft = ReturnType<typeof createDraft>;

/** A draft a chat, which outlives a look at another one. */
export function createDrafts(): (chat: string) => Draft {
  const drafts = new Map<string, Draft>();
  return (chat) => {
    const draft = drafts.get(chat) ?? createDraft(chat);
    drafts.set(chat, draft);
    return draft;
  };
}
