import { createRandom, type Random } from '../system/random.ts';
import { UNFIT, type Unfit, VERSIONS, type Version } from './release.ts';

/** Moments of a process at which it can die. */
export const MOMENTS = [
  'begin',
  'statement',
  'commit',
  'committed',
  'call',
  'called',
  'answer',
  'ask',
  'answered',
] as const;
export type Moment = (typeof MOMENTS)[number];

/** What can go wrong with one call to Telegram. */
export const CALL_FAULTS = [
  'unreachable',
  'request lost',
  'answer lost',
  'reset',
  'late',
  'slow',
  'error 500',
  'flood 429',
  'bad 400',
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];
export const POLL_FAULTS = [
  'unreachable',
  'request lost',
  'answer lost',
  'reset',
  'slow',
  'error 500',
  'flood 429',
  'conflict 409',
  'malformed',
] as const;
export type PollFault = (typeof POLL_FAULTS)[number];
/** `rolled back` as SQLite does by itself where a disk is full. */
export const DISK_FAULTS = [
  'begin',
  'statement',
  'statement, rolled back',
  'commit',
  'commit, rolled back',
  'read',
] as const;
export type DiskFault = (typeof DISK_FAULTS)[number];
export const BACKEND_FAULTS = ['error', 'refuse', 'slow', 'silent', 'late'] as const;
export type BackendFault = (typeof BACKEND_FAULTS)[number];

/** Updates that the conversations' machine does nothing with. */
export const OTHER_UPDATES = ['edit', 'blocks', 'unblocks', 'poll', 'unheard of'] as const;
export type OtherUpdate = (typeof OTHER_UPDATES)[number];

/** What the world does to Switchboard, `at` so many ms after the step before the last jump in time. */
export type Op = { readonly at: number } & (
  | { readonly do: 'write'; readonly chat: number; readonly user: number; readonly text: string }
  | { readonly do: 'press'; readonly chat: number; readonly user: number; readonly data: string }
  | {
      readonly do: 'other';
      readonly kind: OtherUpdate;
      readonly chat: number;
      readonly user: number;
      readonly n: number;
    }
  | {
      readonly do: 'post';
      readonly n: number;
      readonly chat: number;
      readonly priority: 'high' | 'normal' | 'low';
      readonly sendInMs: number | null;
      readonly expireInMs: number | null;
      readonly onUnknown: 'hold' | 'resend';
    }
  | { readonly do: 'note'; readonly n: number; readonly conversation: string }
  | { readonly do: 'cancel'; readonly n: number }
  | { readonly do: 'resolve'; readonly as: 'sent' | 'failed' | 'resend' }
  | { readonly do: 'connect' | 'leave' | 'stall' | 'take'; readonly operator: number }
  | { readonly do: 'call fault'; readonly kind: CallFault }
  | { readonly do: 'poll fault'; readonly kind: PollFault }
  | { readonly do: 'disk fault'; readonly kind: DiskFault; readonly nth: number; readonly times: number }
  | { readonly do: 'backend fault'; readonly kind: BackendFault }
  | { readonly do: 'outage'; readonly of: 'telegram' | 'backend' | 'disk' | 'lock'; readonly ms: number }
  | { readonly do: 'repeat'; readonly count: number }
  | { readonly do: 'block'; readonly chat: number }
  | { readonly do: 'clock'; readonly byMs: number }
  | {
      readonly do: 'crash';
      readonly moment: Moment;
      readonly nth: number;
      readonly downMs: number;
      readonly arrives: boolean;
    }
  | { readonly do: 'stop'; readonly downMs: number }
  | { readonly do: 'takeover'; readonly lingersMs: number }
  | { readonly do: 'deploy'; readonly version: Version; readonly mended: boolean; readonly downMs: number }
  | { readonly do: 'retry' }
  | { readonly do: 'migrate'; readonly n: number }
  | { readonly do: 'week'; readonly up: boolean; readonly ahead: number }
);

/** Everything that a run depends on. */
export interface Script {
  readonly seed: number;
  /** Updates that Telegram gives at once. */
  readonly batch: number;
  readonly pollTimeoutS: number;
  /** Journal entries that are kept; null: all. */
  readonly keeps: number | null;
  /** Every bound is so low that it is met. */
  readonly tight: boolean;
  readonly unfit: Unfit;
  /** In which version the machine's fault is mended in the end; null: in the one that serves by then. */
  readonly mendedIn: Version | null;
  readonly ops: readonly Op[];
}

export const PRIVATE_CHATS = [11, 12, 13, 14];
export const GROUP = -100;
/** What the group becomes. */
export const SUPERGROUP = -1_000_000_000_100;
export const OPERATORS = 3;

/** Beyond the number of any other step. */
const FAULTS_FROM = 1000;
const CLOCKS_FROM = 2000;

/** The script of a seed: a few dozen things that happen within two minutes or so, some scripts with idle weeks between. */
export function scriptOf(seed: number): Script {
  const random = createRandom(seed);
  const long = random.next() < 0.15;
  // Some worlds are calm but for one kind of trouble: each kind alone finds other bugs than all together.
  const kinds = ['all', 'all', 'crash', 'telegram', 'disk', 'readers', 'backend', 'deploys', 'deploys'];
  const trouble = pick(random, kinds);
  const count = random.whole(8, 50);
  const chats = random.shuffled(PRIVATE_CHATS).slice(0, random.whole(1, 4));
  const spreadMs = [20, 500, 3000, 3000, 10_000][random.whole(0, 4)] ?? 3000;
  const groupShare = random.next() < 0.2 ? 0.7 : 0.12;
  const ops: Op[] = [];
  let at = 0;
  for (let n = 1; n <= count; n += 1) {
    at += random.whole(0, random.next() < 0.4 ? 5 : spreadMs);
    const op =
      random.next() < 0.55 ? ordinary(random, chats, groupShare, n, at) : troubleOf(trouble, random, chats, at);
    if (op !== null) ops.push(op);
    // Before it is noticed, somebody writes.
    if (op?.do === 'clock' && random.next() < 0.5) {
      const chat = pick(random, chats);
      ops.push({ at, do: 'write', chat, user: chat, text: `say #${n + CLOCKS_FROM}` });
    }
    // While it is down, somebody sets the clock.
    if ((op?.do === 'stop' || op?.do === 'crash') && random.next() < 0.25) {
      at += Math.floor(op.downMs / 2);
      ops.push(clockOp(random, at));
    }
    // What it waits for comes while it stands still.
    if (trouble === 'deploys' && op?.do === 'write' && /^(later|both)/.test(op.text) && random.next() < 0.4)
      ops.push({ ...op, text: `boom #${n + FAULTS_FROM}` });
    if (long && random.next() < 0.08) {
      const up = random.next() < 0.1;
      ops.push({ at, do: 'week', up, ahead: random.whole(0, 8) });
    }
  }
  return {
    seed,
    batch: [1, 2, 5, 100][random.whole(0, 3)] ?? 100,
    // A week of polls that wait half a minute would be simulated for the better part of a second.
    pollTimeoutS: long ? 3600 : ([1, 30][random.whole(0, 1)] ?? 30),
    keeps: random.next() < 0.25 ? random.whole(5, 40) : null,
    tight: random.next() < 0.3,
    unfit: pick(random, UNFIT),
    mendedIn: random.next() < 0.5 ? null : pick(random, VERSIONS),
    ops,
  };
}

function ordinary(random: Random, chats: readonly number[], groupShare: number, n: number, at: number): Op {
  const inGroup = random.next() < groupShare;
  const chat = inGroup ? GROUP : pick(random, chats);
  const user = inGroup ? random.whole(1, 2) : chat;
  const die = random.next();
  if (inGroup && die < 0.06) return { at, do: 'migrate', n };
  if (die < 0.55) return { at, do: 'write', chat, user, text: `${wordOf(random)} #${n}` };
  if (die < 0.61) return { at, do: 'press', chat, user, data: `press #${n}` };
  if (die < 0.66) return { at, do: 'other', kind: pick(random, OTHER_UPDATES), chat, user, n };
  if (die < 0.74) return { at, do: 'note', n, conversation: inGroup ? `${GROUP}:u${user}` : String(chat) };
  const priority = pick(random, ['high', 'normal', 'normal', 'low'] as const);
  const sendInMs = random.next() < 0.25 ? random.whole(1, 60_000) : null;
  const expireInMs = random.next() < 0.15 ? (sendInMs ?? 0) + random.whole(1, 20_000) : null;
  const onUnknown = random.next() < 0.3 ? 'resend' : 'hold';
  return { at, do: 'post', n, chat, priority, sendInMs, expireInMs, onUnknown };
}

/** What users say, and how often of a hundred times. */
const WORDS: readonly (readonly [string, number])[] = [
  ['say', 17],
  ['later', 14],
  ['ask', 17],
  ['both', 12],
  ['pause', 5],
  ['alarm', 7],
  ['quiet', 2],
  ['spawn', 7],
  ['tell', 4],
  ['stop', 4],
  ['end', 7],
  ['boom', 4],
];

function wordOf(random: Random): string {
  let die = random.next() * 100;
  const word = WORDS.find(([, share]) => {
    die -= share;
    return die < 0;
  })?.[0];
  if (word !== 'later' && word !== 'both' && word !== 'alarm') return word ?? 'say';
  return `${word} ${pick(random, [1, 40, 1000, 5000, 30_000, 60_000, 240_000])}`;
}

function troubleOf(kind: string, random: Random, chats: readonly number[], at: number): Op | null {
  const which = kind === 'all' ? pick(random, ['crash', 'telegram', 'disk', 'readers', 'backend', 'deploys']) : kind;
  switch (which) {
    case 'crash':
      return crashOf(random, at);
    case 'telegram':
      return telegramTrouble(random, chats, at);
    case 'disk': {
      if (random.next() < 0.15) {
        const ms = random.whole(100, 40_000);
        return { at, do: 'outage', of: ms % 2 === 0 ? 'disk' : 'lock', ms };
      }
      const times = random.next() < 0.7 ? 1 : random.whole(2, 6);
      return { at, do: 'disk fault', kind: pick(random, DISK_FAULTS), nth: random.whole(1, 8), times };
    }
    case 'deploys': {
      const die = random.next();
      if (die < 0.4) return { at, do: 'retry' };
      // What is asked meanwhile is still open when the next version comes.
      if (die < 0.55) return { at, do: 'outage', of: 'backend', ms: random.whole(1000, 60_000) };
      const downMs = random.whole(0, random.next() < 0.8 ? 1000 : 60_000);
      return { at, do: 'deploy', version: pick(random, VERSIONS), mended: random.next() < 0.5, downMs };
    }
    case 'readers': {
      const operator = random.whole(0, OPERATORS - 1);
      return { at, do: pick(random, ['connect', 'connect', 'leave', 'stall', 'take'] as const), operator };
    }
    default:
      if (random.next() < 0.1) return { at, do: 'outage', of: 'backend', ms: random.whole(1000, 60_000) };
      return { at, do: 'backend fault', kind: pick(random, BACKEND_FAULTS) };
  }
}

function crashOf(random: Random, at: number): Op {
  const die = random.next();
  const downMs = random.next() < 0.8 ? random.whole(0, 2000) : random.whole(2000, 90_000);
  if (die < 0.1) return { at, do: 'stop', downMs };
  if (die < 0.18) return { at, do: 'takeover', lingersMs: random.whole(0, 30_000) };
  const arrives = random.next() < 0.5;
  return { at, do: 'crash', moment: pick(random, MOMENTS), nth: random.whole(1, 3), downMs, arrives };
}

function telegramTrouble(random: Random, chats: readonly number[], at: number): Op {
  const die = random.next();
  if (die < 0.45) return { at, do: 'call fault', kind: pick(random, CALL_FAULTS) };
  if (die < 0.7) return { at, do: 'poll fault', kind: pick(random, POLL_FAULTS) };
  if (die < 0.82) return { at, do: 'repeat', count: random.whole(1, 10) };
  if (die < 0.86) return { at, do: 'block', chat: pick(random, chats) };
  if (die < 0.94) return clockOp(random, at);
  if (die < 0.97) return { at, do: 'resolve', as: pick(random, ['sent', 'failed', 'resend'] as const) };
  return { at, do: 'outage', of: 'telegram', ms: random.whole(1000, 90_000) };
}

/** By how much clocks are set: a little, by a wrong time zone, by a wrong date. */
const CLOCK_STEPS_MS = [5000, 40_000, 3_600_000, 24 * 3_600_000, 30 * 24 * 3_600_000];

function clockOp(random: Random, at: number): Op {
  if (random.next() < 0.5) return { at, do: 'clock', byMs: random.whole(-90_000, 90_000) };
  return { at, do: 'clock', byMs: pick(random, CLOCK_STEPS_MS) * (random.next() < 0.5 ? 1 : -1) };
}

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.whole(0, items.length - 1)];
  if (item === undefined) throw new TypeError('There is nothing to pick from');
  return item;
}

/** A script for people: one line a step. */
export const printed = ({ seed, batch, pollTimeoutS, keeps, tight, unfit, mendedIn, ops }: Script): string =>
  [
    `seed ${seed}: batches of ${batch}, polls of ${pollTimeoutS} s, ${keeps ?? 'all'} entries are kept${tight ? ', tight bounds' : ''}, unfit: ${unfit}${mendedIn === null ? '' : `, mended in version ${mendedIn}`}`,
    ...ops.map(line),
  ].join('\n');

function line({ at, do: what, ...rest }: Op): string {
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return `  ${(at / 1000).toFixed(3).padStart(8)} s  ${[what, ...fields].join('  ')}`;
}
