import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { happen } from '../conversations/script.ts';
import { machine as quote } from './quote.machine.ts';
import { machine as reminder } from './reminder.machine.ts';

const readme = readFileSync(join(import.meta.dirname, '../../docs/machines.md'), 'utf8');

test.each(['reminder', 'quote'])('the example %s of docs/machines.md is the file that is tested here', (name) => {
  const file = readFileSync(join(import.meta.dirname, `${name}.machine.ts`), 'utf8');
  expect(readme).toContain(file.replace("'../../machines/events.ts'", "'./events.ts'"));
});

const minutes = (n: number) => ({ afterMs: n * 60_000 });

// Each is told twice: in one process, and with a crash between any two events.
describe('the example of durable time', () => {
  test('reminds at the time that was asked for', async () => {
    expect((await happen(reminder, ['30', minutes(29)])).replies).toEqual([]);
    expect((await happen(reminder, ['30', minutes(29), minutes(1)])).replies).toEqual(['It is time.']);
  });

  test('another number moves it, a word takes it back', async () => {
    expect((await happen(reminder, ['30', '60', minutes(59)])).replies).toEqual([]);
    expect((await happen(reminder, ['30', '60', minutes(60)])).replies).toEqual(['It is time.']);
    expect(await happen(reminder, ['30', 'stop', minutes(90)])).toMatchObject({
      replies: ['Forgotten.'],
      timers: false,
    });
  });
});

describe('the example of requests', () => {
  test.each([
    [{ answer: { price: '5 EUR' } }, 'It costs 5 EUR.'],
    [{ fail: 'refused' }, 'We do not sell that.'],
    [{ fail: 'timeout' }, 'Nobody can tell just now. Please ask again later.'],
    [{ afterMs: 20_000 }, 'That takes too long.'],
  ])('%j: %s', async (end, reply) => {
    const { replies, state, asked } = await happen(quote, ['a lamp', end]);
    expect([replies, state, asked]).toEqual([[reply], 'idle', []]);
  });

  test('whoever asks anew withdraws what was asked before', async () => {
    const { asked } = await happen(quote, ['a lamp', 'a chair']);
    expect(asked.map(({ input }) => input)).toEqual([{ thing: 'a chair' }]);
  });
});
