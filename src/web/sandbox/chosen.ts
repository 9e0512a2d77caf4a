import type { Message } from '@grammyjs/types';
import { computed, effect, signal } from '@preact/signals';
import type { Act } from './acts.ts';
import { type Acts, followActs } from './chat-journal.ts';
import { pane } from './where.ts';
import { room, startedAt } from './world.ts';

/** The messages that are looked at closely, and on which side they were chosen. */
export const chosen = signal<{ readonly messages: ReadonlySet<number>; readonly from: 'chat' | 'did' } | null>(null);

/** What Switchboard does in the chat that is looked at. */
export const acts = signal<Acts | null>(null);

/** The seq that belongs to a message: of the update that brought it, or of the bot's own message as it was accepted. */
export const seqs = computed<ReadonlyMap<number, number>>(() => {
  const found = new Map<number, number>();
  for (const act of acts.value?.acts.value ?? []) {
    for (const [message, seq] of seqsOf(act)) if (!found.has(message)) found.set(message, seq);
  }
  return found;
});

function* seqsOf({ cause, messages, sendings }: Act): Generator<readonly [number, number]> {
  const sent = new Map(
    sendings.map(({ accepted, fate }) => [telegramId(fate), accepted?.seq ?? fate?.seq ?? 0] as const),
  );
  for (const message of messages) {
    const seq = sent.get(message) ?? cause?.seq;
    if (seq !== undefined) yield [message, seq];
  }
}

const telegramId = (entry: Act['cause']): number => Number(Object(entry?.message).telegram_message_id);

/** Whether an act is about a message that is looked at closely. */
export const concerns = (act: Act): boolean =>
  chosen.value !== null && [...act.messages].some((message) => chosen.value?.messages.has(message));

/** Looks closely at a message; chosen once more, no longer. */
export function choose(message: Message['message_id'], show: boolean): void {
  const isAlready = chosen.value?.from === 'chat' && chosen.value.messages.has(message);
  chosen.value = isAlready ? null : { messages: new Set([message]), from: 'chat' };
  if (!isAlready && show) pane.value = 'did';
}

/** How many messages of the bot did not get through, or may not have. */
export const losses = computed(
  () =>
    (acts.value?.acts.value ?? [])
      .flatMap(({ sendings }) => sendings)
      .filter(({ fate }) => fate?.type === 'message.failed' || fate?.type === 'message.unknown').length,
);

/** Looks closely at what an act is about. */
export function chooseAct({ messages }: Act): void {
  const isAlready = chosen.value?.from === 'did' && [...messages].every((one) => chosen.value?.messages.has(one));
  chosen.value = isAlready || messages.size === 0 ? null : { messages, from: 'did' };
}

/**
 * Follows the chat that is looked at: from its oldest message that the page has. A sandbox that has begun anew counts its
 * messages from 1 again: then nothing of before is about them.
 */
export function followChosen(): void {
  let of: number | null = null;
  effect(() => {
    const current = room.value;
    const messages = current?.messages.value ?? null;
    const began = startedAt.value;
    const followed = acts.peek();
    if (followed !== null && followed.chat === current?.chat && of === began) return;
    followed?.close();
    acts.value = null;
    chosen.value = null;
    of = began;
    if (current === null || messages === null || began === null) return;
    acts.value = followActs(current.chat, Math.max(began, (messages[0]?.date ?? 0) * 1000));
  });
}
