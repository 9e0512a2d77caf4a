import { expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { REPLY_PRIORITY } from '../../src/outbox/outbox.ts';
import { createPacing, type Pacing } from '../../src/outbox/pacing.ts';

const RATES = { chatPerS: 1, chatBurst: 3, groupPerMin: 20, groupBurst: 5, overallPerS: 30, overallBurst: 30 };
const S = 1000;

const ask = (
  pacing: Pacing,
  chat: string,
  now: number,
  more: { priority?: number; counted?: boolean; free?: boolean } = {},
) => pacing.ask({ chat, priority: 1, counted: true, free: false, ...more }, now);

/** Sends to one chat as fast as it may for so long; gives how many went. */
function press(pacing: Pacing, chat: string, from: number, forMs: number, more = {}): number {
  let went = 0;
  for (let now = from; now < from + forMs; ) {
    const leave = ask(pacing, chat, now, more);
    if (leave.kind === 'go') went += 1;
    else now = leave.until;
  }
  return went;
}

test('a chat gets its burst, then its rate; a group no more than its figure in any minute', () => {
  const pacing = createPacing(RATES, 0);
  expect([1, 2, 3].map(() => ask(pacing, '7', 0).kind)).toEqual(['go', 'go', 'go']);
  expect(ask(pacing, '7', 0)).toEqual({ kind: 'chat', until: S });
  expect(ask(pacing, '8', 0).kind).toBe('go');
  expect(press(createPacing(RATES, 0), '-100', 0, 60 * S - 1)).toBeLessThanOrEqual(
    20 * (1 + 6 * limits.paceWidenShare),
  );
  expect(press(createPacing(RATES, 0), '-100', 0, 20 * S)).toBe(10);
});

test('what keys post, urgent or not, leaves a third of the burst to replies', () => {
  const pacing = createPacing(RATES, 0);
  const go = (n: number, priority: number) => ask(pacing, `${n}`, 0, { priority }).kind;
  const bulk = Array.from({ length: 30 }, (_, n) => go(n, n % 3));
  expect(bulk.filter((kind) => kind === 'go')).toHaveLength(20);
  expect(bulk.at(-1)).toBe('bot');
  const replies = Array.from({ length: 11 }, (_, n) => go(100 + n, -1));
  expect(replies.filter((kind) => kind === 'go')).toHaveLength(10);
});

test('what Telegram does not count takes nothing, and waits only where Telegram asked to wait', () => {
  const pacing = createPacing(RATES, 0);
  for (let n = 0; n < 100; n += 1) expect(ask(pacing, '7', 0, { counted: false }).kind).toBe('go');
  expect(ask(pacing, '7', 0).kind).toBe('go');
  pacing.refused('7', 5 * S, 0);
  expect(ask(pacing, '7', 1, { counted: false })).toEqual({ kind: 'chat', until: 5 * S });
});

test('many that wait side by side for one chat are given turns, not all the same time', () => {
  const pacing = createPacing(RATES, 0);
  press(pacing, '7', 0, 1);
  const turns = [1, 2, 3].map(() => ask(pacing, '7', 0, { free: true }));
  expect(turns.map((leave) => 'until' in leave && leave.until)).toEqual([1 * S, 2 * S, 3 * S]);
  const last = Array.from({ length: 1000 }, () => ask(pacing, '7', 0, { free: true })).at(-1);
  expect(last).toEqual({ kind: 'chat', until: limits.paceRestMaxMs });
});

test('many that wait side by side for one chat go as fast as they would in order', () => {
  const until = 300 * S;
  const ordered = press(createPacing(RATES, 0), '7', 0, until);
  const pacing = createPacing(RATES, 0);
  let waiting = Array.from({ length: 2000 }, () => 0);
  let went = 0;
  for (let now = 0; now < until; now = Math.min(...waiting)) {
    waiting = waiting.flatMap((at) => {
      if (at > now) return at;
      const leave = ask(pacing, '7', now, { free: true });
      if (leave.kind !== 'go') return leave.until;
      went += 1;
      return [];
    });
  }
  expect(went).toBeGreaterThan(ordered * 0.95);
});

test('a 429 to a chat that was written to shortly before means the chat: no other waits', () => {
  const pacing = createPacing(RATES, 0);
  press(pacing, '7', 0, 1);
  expect(pacing.refused('7', 10 * S, 0)).toBe('chat');
  expect(ask(pacing, '7', 9 * S)).toEqual({ kind: 'chat', until: 10 * S });
  expect(ask(pacing, '7', 10 * S).kind).toBe('go');
  expect(ask(pacing, '8', 0).kind).toBe('go');
});

test('a 429 that the chat does not explain means the bot where that is near its limit, or where it comes twice', () => {
  const near = createPacing(RATES, 0);
  for (let n = 0; n < 20; n += 1) ask(near, `${n}`, 0);
  expect(near.refused('7', 4 * S, 0)).toBe('bot');
  expect(ask(near, '100', 1, { priority: -1 })).toEqual({ kind: 'bot', until: 4 * S });

  const twice = createPacing(RATES, 0);
  ask(twice, '1', 0);
  ask(twice, '2', 0);
  expect(twice.refused('1', 4 * S, 0)).toBe('chat');
  expect(twice.refused('1', 4 * S, 1)).toBe('chat');
  expect(twice.refused('2', 4 * S, 2)).toBe('bot');
});

test('a 429 to an edit among many of its chat means the chat, however near its limit the bot is', () => {
  const pacing = createPacing(RATES, 0);
  for (let n = 0; n < 20; n += 1) ask(pacing, `${n}`, 0);
  for (let n = 0; n < 50; n += 1) ask(pacing, '7', n, { counted: false });
  expect(pacing.refused('7', 30 * S, 50)).toBe('chat');
  expect(ask(pacing, '100', 60, { priority: 0 }).kind).toBe('go');
  expect(ask(pacing, '7', 60, { counted: false })).toEqual({ kind: 'chat', until: 30_050 });
});

test('a 429 to the answer of one button means that answer: nobody else waits', () => {
  const pacing = createPacing(RATES, 0);
  const answer = (now: number) => ask(pacing, '0', now, { priority: 0, counted: false, free: true }).kind;
  for (let n = 0; n < 20; n += 1) expect(answer(n)).toBe('go');
  for (let n = 0; n < 20; n += 1) ask(pacing, `${n}`, n);
  expect(pacing.refused('0', 30 * S, 20)).toBe('message');
  expect(answer(21)).toBe('go');
  expect(ask(pacing, '100', 21, { priority: REPLY_PRIORITY }).kind).toBe('go');
});

test('a bucket widens while somebody waits for it, and only then', () => {
  const pressed = createPacing({ ...RATES, overallPerS: 1, overallBurst: 3 }, 0);
  const idle = createPacing({ ...RATES, overallPerS: 1, overallBurst: 3 }, 0);
  for (let s = 0; s < 120; s += 1) {
    for (let n = 0; n < 5; n += 1) ask(pressed, `${s} ${n}`, s * S);
    if (s % 5 === 0) ask(idle, `${s}`, s * S);
  }
  expect(pressed.perS()).toBeGreaterThan(1.9);
  expect(idle.perS()).toBe(1);
});

test('it settles just below what Telegram allows: refusals become rare', () => {
  const pacing = createPacing(RATES, 0);
  const allowedPerMs = 40 / S;
  let [tokens, at, refusals, lateRefusals, went] = [40, 0, 0, 0, 0];
  const end = 3600 * S;
  for (let now = 0, n = 0; now < end; n += 1) {
    const leave = ask(pacing, `${n % 5000}`, now);
    if (leave.kind !== 'go') {
      now = leave.until;
      continue;
    }
    tokens = Math.min(40, tokens + (now - at) * allowedPerMs);
    at = now;
    if (tokens >= 1) {
      tokens -= 1;
      went += 1;
      continue;
    }
    refusals += 1;
    if (now > end / 2) lateRefusals += 1;
    pacing.refused(`${n % 5000}`, S, now);
  }
  expect(refusals).toBeGreaterThan(0);
  expect(lateRefusals).toBeLessThanOrEqual(3);
  expect(went / 3600).toBeGreaterThan(36);
});

test('a chat that is refused again and again is written to ever more slowly, within bounds', () => {
  const pacing = createPacing(RATES, 0);
  let now = 0;
  for (let n = 0; n < 30; n += 1) {
    press(pacing, '7', now, 1);
    pacing.refused('7', S, now);
    now += 2 * S;
  }
  now += 1000 * S;
  press(pacing, '7', now, 1);
  const leave = ask(pacing, '7', now);
  expect(leave.kind === 'chat' && leave.until - now).toBe(S / limits.paceShareMin);
});

test('a chat that Telegram asked to wait with is not forgotten while it waits, however many others are written to', () => {
  const pacing = createPacing({ ...RATES, overallPerS: 1e6, overallBurst: 1e6 }, 0);
  pacing.refused('7', 3600 * S, 0);
  for (let n = 0; n < 3 * limits.pacedChatsMax; n += 1) ask(pacing, `${1000 + n}`, n);
  expect(pacing.size()).toBe(limits.pacedChatsMax);
  expect(ask(pacing, '7', 100 * S)).toEqual({ kind: 'chat', until: 3600 * S });
});

test('where all of them wait it remembers no more of them, and takes no time to find that out', () => {
  const pacing = createPacing(RATES, 0);
  for (let n = 0; n < 3 * limits.pacedChatsMax; n += 1) pacing.refused(`${n}`, 3600 * S, n / 100);
  expect(pacing.size()).toBe(limits.pacedChatsMax);
});

test('it remembers a bounded number of chats, those written to last', () => {
  const pacing = createPacing({ ...RATES, overallPerS: 1e6, overallBurst: 1e6 }, 0);
  press(pacing, 'first', 0, 1);
  press(pacing, 'second', 0, 1);
  for (let n = 2; n < limits.pacedChatsMax; n += 1) ask(pacing, `${n}`, 0);
  expect(ask(pacing, 'first', 0).kind).toBe('chat');
  ask(pacing, 'one more', 0);
  expect(pacing.size()).toBe(limits.pacedChatsMax);
  expect(ask(pacing, 'first', 0).kind).toBe('chat');
  expect(ask(pacing, 'second', 0).kind).toBe('go');
});
