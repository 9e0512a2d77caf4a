import { expect } from 'vitest';
import type { ParsedEntry, Shown } from './evidence.ts';

/** A message as it was posted. Its text is its own. */
export interface Posted {
  readonly key: string;
  readonly chat: number;
  readonly text: string;
  /** A double is better than a loss. */
  readonly resend: boolean;
}

export interface Counts {
  sent: number;
  failed: number;
  unknown: number;
  unknownButShown: number;
  /** Shown twice, as it was asked for. */
  again: number;
}

/**
 * I5, of one chat's messages: each was accepted once and has one last fate, which is what its user sees. `sent`: shown, as
 * the message that it says. `failed`: not shown. `unknown`: shown or not. None is shown twice that was not to be, and
 * they are shown in the order in which they were posted.
 */
export function expectHonest(
  posted: readonly Posted[],
  entries: readonly ParsedEntry[],
  transcript: readonly Shown[],
  counts: Counts,
): void {
  const byText = new Map(
    posted.map((message, n) => [message.text, { ...message, n, ids: [] as string[], fates: [] as ParsedEntry[] }]),
  );
  const byId = new Map<string, { fates: ParsedEntry[] }>();
  for (const entry of entries) {
    if (!entry.type.startsWith('message.')) continue;
    const { id, params } = entry.fields.message;
    const message = entry.type === 'message.accepted' ? byText.get(params.text) : undefined;
    message?.ids.push(id);
    if (message !== undefined) byId.set(id, message);
    else byId.get(id)?.fates.push(entry);
  }
  const shown = transcript.filter(({ from, text }) => from.is_bot && byText.has(text));
  for (const { text, resend, ids, fates } of byText.values()) {
    expect({ text, accepted: ids.length }).toEqual({ text, accepted: 1 });
    const seen = shown.filter((message) => message.text === text);
    const types = fates.map(({ type }) => type.slice('message.'.length));
    const fate = types.at(-1) ?? 'none';
    const early = resend ? types.slice(0, -1).filter((type) => type !== 'unknown') : types.slice(0, -1);
    expect({ text, early }).toEqual({ text, early: [] });
    if (fate === 'sent') {
      expect({ text, as: fates.at(-1)?.fields.message.telegram_message_id }).toEqual({
        text,
        as: seen.at(-1)?.message_id,
      });
    } else if (fate === 'failed') expect({ text, seen }).toEqual({ text, seen: [] });
    if (!resend) expect({ text, doubled: seen.length > 1 }).toEqual({ text, doubled: false });
    expect(['sent', 'failed', 'unknown']).toContain(fate);
    counts[fate as 'sent' | 'failed' | 'unknown'] += 1;
    if (fate === 'unknown') counts.unknownButShown += Math.min(1, seen.length);
    if (seen.length > 1) counts.again += 1;
  }
  const order = shown.map(({ text }) => byText.get(text)?.n ?? 0);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
}
