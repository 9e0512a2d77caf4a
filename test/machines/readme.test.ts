import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadMachineTable } from '../../src/conversations/files.ts';
import { limits } from '../../src/limits.ts';
import { happen } from '../conversations/script.ts';
import { says, talkTo } from './harness.ts';
import { machine as newsletter } from './newsletter.machine.ts';
import { MACHINES, PRODUCT_MACHINES } from './product.ts';
import { findingsOf } from './rules.ts';
import { machine } from './support.machine.ts';

const ROOT = join(import.meta.dirname, '../..');
const readme = readFileSync(join(MACHINES, 'README.md'), 'utf8');
const whole = readFileSync(join(ROOT, 'docs/machines.md'), 'utf8');

test.each(['support', 'newsletter', 'order'])('the example %s is the file that is tested here', (name) => {
  const file = readFileSync(join(import.meta.dirname, `${name}.machine.ts`), 'utf8');
  expect(whole).toContain(file.replace("'../../machines/events.ts'", "'./events.ts'"));
});

test('what the page shows of examples is what stands in the files that are tested here', () => {
  const shown = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  const files = ['reminder', 'quote', 'support-2'].map((name) =>
    readFileSync(join(import.meta.dirname, `${name}.machine.ts`), 'utf8'),
  );
  expect(shown.length).toBe(files.length);
  for (const [n, text] of shown.entries()) expect(files[n]).toContain(text);
});

test('the page is one page, and shows of a replay what the whole of it shows', () => {
  expect(readme.split('\n').length).toBeLessThan(120);
  const [, replay = ''] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(replay).toContain('would send');
  expect(whole).toContain(replay);
});

test('the examples keep the rules of the folder', () => {
  expect(findingsOf('support', machine)).toEqual([]);
  expect(findingsOf('newsletter', newsletter)).toEqual([]);
});

describe('the example of an end', () => {
  test('begins anew after BYE', async () => {
    const { replies, status } = await happen(newsletter, [
      'hi',
      'BYE',
      { post: { type: 'news.published', text: 'Sun.' } },
    ]);
    expect(replies).toEqual([expect.stringContaining('BYE'), 'Goodbye, until the next news.', 'Sun.']);
    expect(status).toBe('active');
  });

  test('stays over after STOP, and the backend is told', async () => {
    const { replies, status, asked } = await happen(newsletter, [
      'STOP',
      'hi',
      { post: { type: 'news.published', text: 'Sun.' } },
    ]);
    expect({ replies, status }).toEqual({ replies: [], status: 'done' });
    expect(asked).toMatchObject([{ src: 'forgetUser', input: { at: expect.stringContaining('T') }, invoke: '' }]);
  });
});

test('the example of what is refused is refused in these words', async () => {
  const load = loadMachineTable({ private: { machine: 'order' }, group: null, channel: null }, import.meta.dirname);
  const refusal = await load.then(String, (error: Error) => error.message);
  const [, shown] = /```text\n(machines\/order[\s\S]*?)\n```/.exec(whole) ?? [];
  expect(shown).toBe(refusal);
});

test('the commands of the page are those of README.md, where a test types them', () => {
  const page = readFileSync(join(ROOT, 'README.md'), 'utf8');
  for (const text of [readme, whole]) {
    const [, commands = 'none'] = /```sh\n(npx switchboard chats[\s\S]*?)```/.exec(text) ?? [];
    for (const command of commands.trim().split('\n')) expect(page).toContain(`# terminal 1\n${command}\n`);
  }
});

test('the bounds that the page tells are those of src/limits.ts', () => {
  expect(whole).toContain('over 1,000 microsteps');
  expect(limits.microstepsMax).toBe(1000);
  expect(whole).toContain('more than 100 things');
  expect(limits.effectsPerStepMax).toBe(100);
  expect(whole).toContain('256 KiB');
  expect(limits.snapshotLengthMax).toBe(256 * 1024);
});

describe('the example of docs/machines.md', () => {
  test('asks the backend, waits for the aggregator, and speaks up after a day', () => {
    const talk = talkTo(machine, { conversation: '777', chat: '777' });
    expect(talk.send(says('where is my parcel?')).requests).toMatchObject([
      { src: 'openTicket', input: { text: 'where is my parcel?' } },
    ]);
    expect(talk.answer({ ticket: 'T-1' }).words).toBe('Your ticket is T-1.');
    expect([...talk.timers.values()]).toEqual([86_400_000]);
    expect(talk.elapse().words).toBe('We are still on it.');
    expect(talk.send({ type: 'ticket.answered', text: 'At your door.' }).words).toBe('At your door.');
    expect(talk.state).toBe('idle');
  });

  test('tells the user when the backend fails', () => {
    const talk = talkTo(machine, { conversation: '777', chat: '777' });
    talk.send(says('hello?'));
    expect(talk.fail({ code: 'unreachable', message: 'down' }).words).toContain('write again');
    expect(talk.state).toBe('idle');
  });
});

test('the table of machines/README.md names every machine that comes with Switchboard', () => {
  const named = [...readme.matchAll(/^\| \[\w+\]\(([\w-]+\.machine\.ts)\)/gm)].map(([, file]) => file);
  expect(named.toSorted()).toEqual([...PRODUCT_MACHINES]);
});
