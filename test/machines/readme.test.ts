import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { says, talkTo } from './harness.ts';
import { machine } from './support.machine.ts';

const MACHINES = join(import.meta.dirname, '../../machines');
const readme = readFileSync(join(MACHINES, 'README.md'), 'utf8');

describe('the example of machines/README.md', () => {
  test('is the file that is tested here', () => {
    const file = readFileSync(join(import.meta.dirname, 'support.machine.ts'), 'utf8');
    expect(readme).toContain(file.replace("'../../machines/events.ts'", "'./events.ts'"));
  });

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

test('the table of machines/README.md names every machine of the folder', () => {
  const files = readdirSync(MACHINES).filter((file) => file.endsWith('.machine.ts'));
  expect([...readme.matchAll(/^\| \[\w+\]\(([\w-]+\.machine\.ts)\)/gm)].map((m) => m[1]).sort()).toEqual(files.sort());
});
