import { expect, test } from 'vitest';
import type { StepWatch } from '../../src/conversations/conversations.ts';
import { createFeed } from '../../src/inspector/feed.ts';
import { type FeedItem, LIVE_ACTORS } from '../../src/inspector/feed-items.ts';
import type { ConversationRecord } from '../../src/journal/journal.ts';
import { limits } from '../../src/limits.ts';
import { conversation } from '../journal/records.ts';
import { manualClock, settle } from '../support/clock.ts';

/** A feed over nothing but what a test tells it, and who is attached to what. */
function startFeed(read: (id: string) => Promise<ConversationRecord | null> = async () => null) {
  const clock = manualClock();
  const attached = { actors: 0, steps: 0 };
  let steps: StepWatch | null = null;
  const feed = createFeed({
    ...{ clock, actor: () => null, conversation: read },
    watchActors() {
      attached.actors += 1;
      return () => {
        attached.actors -= 1;
      };
    },
    watchSteps(watch) {
      attached.steps += 1;
      steps = watch;
      return () => {
        attached.steps -= 1;
      };
    },
  });
  const open = (...actors: readonly string[]) => {
    const taken: FeedItem[] = [];
    let ended = false;
    const close = feed.open({
      ...{ keyId: '1', actors },
      reader: {
        take: (items) => void taken.push(...items),
        end: () => {
          ended = true;
        },
      },
    });
    return { close, taken, ended: () => ended };
  };
  /** A chat's step, as the router tells it. */
  const step = (id: string, seq: number): void => {
    if (steps?.wants(id) !== true) return;
    const record = conversation(id, { lastSeq: seq, snapshot: '{"context":{}}', state: '"on"' });
    steps.stepped({ conversation: id, seq, event: { type: 'said' }, from: null, record });
  };
  return { clock, attached, feed, open, step };
}

test('actors and conversations are watched each where somebody asks for them, once, and not at all when all have left', async () => {
  const { attached, open } = startFeed();
  expect(attached).toEqual({ actors: 0, steps: 0 });
  const [one, other, chat] = [open('ingress'), open('outbox'), open('chat:7')];
  expect(attached).toEqual({ actors: 1, steps: 1 });
  one.close();
  chat.close();
  expect(attached).toEqual({ actors: 1, steps: 0 });
  other.close();
  other.close();
  expect(attached).toEqual({ actors: 0, steps: 0 });
});

test('how a chat stands is told first, and of its steps those that came after that', async () => {
  const { promise, resolve } = Promise.withResolvers<ConversationRecord>();
  const { clock, open, step } = startFeed(() => promise);
  const { taken } = open('chat:7');
  step('7', 4);
  step('7', 5);
  await clock.advance(limits.feedMomentMs);
  expect(taken).toEqual([]);
  resolve(conversation('7', { lastSeq: 4, snapshot: '{"context":{"n":1}}', state: '"on"' }));
  await settle();
  expect(taken).toMatchObject([
    { kind: 'actor', actor: 'chat:7', context: { n: 1 } },
    { kind: 'step', seq: 5 },
  ]);
});

test('of a chat that moves fast its newest step is told, and the others are counted; a chat at large is sampled', async () => {
  const { clock, open, step } = startFeed();
  const [followed, some] = [open('chat:7'), open('chats')];
  await settle();
  for (let seq = 1; seq <= 1000; seq += 1) step(seq % 2 === 0 ? '7' : String(1000 + seq), seq);
  await clock.advance(limits.feedMomentMs);
  const steps = followed.taken.filter(({ kind }) => kind === 'step');
  expect(steps.length).toBe(limits.feedChatStepsMax);
  expect(steps.at(-1)).toMatchObject({ seq: 1000 });
  expect(followed.taken.at(-1)).toMatchObject({ kind: 'skipped', count: 500 - limits.feedChatStepsMax });
  expect(some.taken.at(-1)).toMatchObject({ actor: 'chats', count: 500 - limits.feedSampledStepsMax });
});

test('whoever comes where the journal cannot be read is let go, to come again', async () => {
  const { open, attached } = startFeed(() => Promise.reject(new Error('the disk')));
  const { ended } = open('chat:7');
  await settle();
  expect(ended()).toBe(true);
  expect(attached).toEqual({ actors: 0, steps: 0 });
});

test('a live actor that is being restarted is told as one that stands nowhere', async () => {
  const { open } = startFeed();
  const { taken } = open(...LIVE_ACTORS);
  await settle();
  expect(taken.map((item) => ('actor' in item ? item.actor : ''))).toEqual([...LIVE_ACTORS]);
  expect(taken[1]).toMatchObject({ machine: 'poller', status: null, state: null });
});
