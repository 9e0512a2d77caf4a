import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, assign, enqueueActions, fromPromise, setup } from 'xstate';
import type { AnswerCallback, ConversationInput, Meta, Reply, UserEvent } from '../../machines/events.ts';
import { findingsOf } from './rules.ts';
import { machine as support } from './support.machine.ts';

/** A conversation that keeps the rules: it guesses a number, and asks for another one. */
function guessing(change: { text?: string; on?: object; states?: object; meta?: Meta } = {}): AnyStateMachine {
  const kit: { createMachine(config: object): AnyStateMachine } = setup({
    types: {
      context: {} as { tries: number },
      events: {} as UserEvent | { type: 'game.over' },
      input: {} as ConversationInput,
      meta: {} as Meta,
    },
    actions: {
      reply: (_, _params: Reply) => {},
      answerCallback: (_, _params: AnswerCallback) => {},
      count: assign({ tries: ({ context }) => context.tries + 1 }),
      fail: enqueueActions(() => {
        throw new Error('it cannot count');
      }),
    },
    actors: { ask: fromPromise<unknown, unknown>(async () => null) },
    guards: {
      command: ({ event }, name: string) => event.type === 'message.received' && event.text === `/${name}`,
      many: ({ context }) => context.tries > 2,
    },
  }) as never;
  return kit.createMachine({
    id: 'guessing',
    version: '1',
    description: 'Guesses.',
    ...(change.meta === undefined ? {} : { meta: change.meta }),
    context: { tries: 0 },
    initial: 'idle',
    on: {
      'message.received': { actions: { type: 'reply', params: { text: change.text ?? 'Write /play.' } } },
      'message.edited': { actions: { type: 'reply', params: { text: 'Too late.' } } },
      'callback.received': {
        actions: {
          type: 'answerCallback',
          params: ({ event }: { event: { id: string } }) => ({ callback_query_id: event.id }),
        },
      },
      ...change.on,
    },
    states: {
      idle: {
        description: 'Waits.',
        on: {
          'message.received': {
            guard: { type: 'command', params: 'play' },
            target: 'playing',
            actions: { type: 'reply', params: { text: 'Is it 7?' } },
          },
        },
      },
      playing: {
        description: 'Guesses until it gives up.',
        always: { guard: 'many', target: 'over' },
        on: { 'message.received': { actions: ['count', { type: 'reply', params: { text: 'Is it 8?' } }] } },
      },
      over: { description: 'It has given up.', type: 'final' },
      ...change.states,
    },
  });
}

const findings = (machine: AnyStateMachine) => findingsOf('guessing', machine);

test('a conversation that keeps the rules has no findings, and neither has the example of docs/machines.md', () => {
  expect(findings(guessing())).toEqual([]);
  expect(findingsOf('support', support)).toEqual([]);
});

describe('what breaks a rule is found', () => {
  test('a state that nobody reaches', () => {
    const island = { description: 'Far away.' };
    expect(findings(guessing({ states: { island } }))).toEqual([
      'guessing.island is reached by no path: nothing leads there, or meta.examples must tell what does',
    ]);
  });

  test('a transition that is never taken', () => {
    const later = { guard: 'many', target: '.idle' };
    const [finding, ...more] = findings(guessing({ on: { 'game.over': [{ target: '.idle' }, later] } }));
    expect(finding).toMatch(/^guessing on game\.over if many to guessing\.idle: no path takes it/);
    expect(more).toEqual([]);
  });

  test.each([
    ['photo', 'a photo', { 'message.received': { guard: { type: 'command', params: 'play' }, actions: [] } }],
    ['edit', 'an edited message', { 'message.edited': {} }],
    ['button', 'a button', { 'callback.received': { actions: 'count' } }],
  ] as const)('a state that is silent to %s, unless it says so', (doing, words, on) => {
    const silences = (machine: AnyStateMachine) =>
      findings(machine).filter((finding) => finding.startsWith('nothing answers'));
    expect(silences(guessing({ on }))).toContainEqual(
      expect.stringMatching(
        `^nothing answers ${words} in idle.*: answer it, or write meta: .* ignores: \\['${doing}'\\]`,
      ),
    );
    expect(silences(guessing({ on, meta: { ignores: ['text', doing] } }))).toEqual([]);
  });

  test('a text that is longer than Telegram takes, or empty', () => {
    expect(findings(guessing({ text: 'x'.repeat(5000) })).join()).toContain(
      'text has 5000 characters, Telegram takes 4096',
    );
    expect(findings(guessing({ text: ' ' })).join()).toContain('text must not be empty');
  });

  test('a text that is built of what a user writes, and too long with it, or formatted by it', () => {
    const saysBack = (params: (text: string) => object) =>
      findings(
        guessing({
          on: {
            'message.received': {
              actions: { type: 'reply', params: ({ event }: { event: { text: string } }) => params(event.text) },
            },
          },
        }),
      ).filter((finding) => finding.includes(' on message.received it sends a reply that Telegram refuses'));
    const long = saysBack((text) => ({ text: `You said: ${text}` }));
    expect(long).toEqual([expect.stringContaining('text has 4106 characters, Telegram takes 4096')]);
    for (const parse_mode of ['HTML', 'MarkdownV2', 'Markdown']) {
      const formatted = saysBack((text) => ({ text: `You: ${text}`.slice(0, 4096), parse_mode }));
      expect(formatted).toEqual([expect.stringContaining("can't parse entities")]);
    }
    expect(saysBack((text) => ({ text: `You said: ${text}`.slice(0, 4096) }))).toEqual([]);
  });

  test('a step that fails, and an answer that it did not expect', () => {
    expect(findings(guessing({ on: { 'game.over': { actions: 'fail' } } })).slice(1)).toEqual([
      'in idle, playing on game.over it fails: it cannot count',
    ]);
    const asking = {
      description: 'Asks.',
      invoke: { id: 'q', src: 'ask', onDone: { target: 'idle' } },
    };
    const asks = guessing({ on: { 'game.over': { target: '.asking' } }, states: { asking } });
    expect(findings(asks)).toEqual([expect.stringContaining('in asking on xstate.error.actor.q it fails')]);
  });

  test('a state without a description, a machine of another name, without a version, or that cannot be durable', () => {
    expect(findings(guessing({ states: { over: { type: 'final' } } }))).toEqual([
      'guessing.over has no description: say what it is for',
    ]);
    expect(findingsOf('chess', guessing())).toEqual(["its id is guessing, its file's name chess"]);
    expect(findings(guessing({ on: { 'game.over': { actions: 'launch' } } })).join()).toContain(
      'the action launch is not one',
    );
  });
});
