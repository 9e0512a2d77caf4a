import { expect } from 'vitest';
import { limits } from '../../src/limits.ts';
import type { ParsedEntry, Shown } from './evidence.ts';
import type { WireCall } from './wire.ts';

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
  unknown: number;
  unknownButShown: number;
  /** Shown twice, as it was asked for. */
  again: number;
  /** Being sent at a kill, and never unknown: the call had not left. */
  neverLeft: number;
}

/** The calls of one message whose end its sender could not know, of all that the wire and the kills tell. */
export interface Doubts {
  /** Each call of it that reached the wire, in order: whether no answer to it came whole, or one that tells nothing. */
  readonly calls: readonly boolean[];
  /** Kills that found it being sent. */
  readonly kills: number;
}

/** The doubts about each text. `killed`: the texts that were being sent at each kill. */
export function doubtsOf(calls: readonly WireCall[], killed: readonly (readonly string[])[]): (text: string) => Doubts {
  const byText = new Map<string, { calls: boolean[]; kills: number }>();
  const of = (text: string) => {
    const known = byText.get(text) ?? { calls: [], kills: 0 };
    byText.set(text, known);
    return known;
  };
  // 504: the gateway passed it on, and knows no more.
  for (const { text, end } of calls) of(text).calls.push(typeof end !== 'number' || end === 504);
  for (const text of killed.flat()) of(text).kills += 1;
  return of;
}

/**
 * I5, of one chat's messages: each was accepted once and has one last fate, which is what its user sees. `sent`: shown, as
 * the message that it says. `unknown`: shown or not, and only where there is a doubt about a call of it; where there is,
 * it says so, and is not called again unasked. One that a kill found before its call left is called. Nothing that was done to them is for good: none is `failed`. None is shown
 * twice that was not to be, and they are shown in the order in which they were posted.
 */
export function expectHonest(
  posted: readonly Posted[],
  entries: readonly ParsedEntry[],
  transcript: readonly Shown[],
  doubts: (text: string) => Doubts,
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
    const unknowns = types.filter((type) => type === 'unknown').length;
    const { calls, kills } = doubts(text);
    const doubted = calls.filter((inDoubt) => inDoubt).length;
    // A kill's call may be on the wire as well, may have been lost on its way there, or had never left: then it is made anew.
    const most = doubted + kills;
    const within = unknowns >= Math.min(1, doubted) && unknowns <= most;
    expect({ text, calls, kills, unknowns, within }).toEqual({ text, calls, kills, unknowns, within: true });
    if (kills > 0 && unknowns === 0) counts.neverLeft += 1;
    // One that is to be sent again is, until it has had all its tries: those that a kill or a doubt took among them.
    const spent = fate === 'unknown' && calls.length + kills >= limits.sendAttemptsMax;
    const last = spent ? [] : ['sent'];
    const fated = resend ? [...Array(unknowns).fill('unknown'), ...last] : [unknowns > 0 ? 'unknown' : 'sent'];
    expect({ text, calls, kills, types }).toEqual({ text, calls, kills, types: fated });
    if (!resend) {
      expect({ text, doubled: seen.length > 1 }).toEqual({ text, doubled: false });
      expect({ text, goesOn: calls.slice(0, -1).includes(true) }).toEqual({ text, goesOn: false });
    }
    if (fate === 'sent') {
      const as = fates.at(-1)?.fields.message.telegram_message_id;
      expect({ text, as }).toEqual({ text, as: seen.at(-1)?.message_id ?? 'not shown' });
    }
    counts[fate as 'sent' | 'unknown'] += 1;
    if (fate === 'unknown') counts.unknownButShown += Math.min(1, seen.length);
    if (seen.length > 1) counts.again += 1;
  }
  const order = shown.map(({ text }) => byText.get(text)?.n ?? 0);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
}
