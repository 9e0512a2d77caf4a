import { expect, test } from 'vitest';
import { createLog } from '../../src/log.ts';

/** What the log writes, as JSON. */
function written(use: (log: ReturnType<typeof createLog>) => void): string {
  const lines: string[] = [];
  use(createLog('trace', { write: (line) => lines.push(line) }));
  return lines.join('');
}

test.each(['token', 'key', 'secret', 'authorization', 'text', 'caption', 'phone_number', 'params', 'body', 'update'])(
  'I7: a field named %s is cut, at the top and two levels below',
  (name) => {
    const line = written((log) =>
      log.info({ [name]: 'hidden', a: { [name]: 'hidden', b: { [name]: 'hidden' } } }, 'x'),
    );
    expect(line).not.toContain('hidden');
    expect(JSON.parse(line)).toMatchObject({ [name]: '[cut]', a: { [name]: '[cut]', b: { [name]: '[cut]' } } });
  },
);

test('I7: what an error quotes is cut, in its field and in the message, quotes within it too', () => {
  const quoting = `can't parse: tag "hidden"hidden" at 3`;
  const line = written((log) => {
    log.warn({ error: quoting }, quoting);
    log.warn(quoting);
  });
  expect(line).not.toContain('hidden');
  expect(line.match(/can't parse: tag \\"\[cut\]\\" at 3/g)).toHaveLength(3);
});

test("I7: a parser's error does not show what it choked on", () => {
  const line = written((log) => {
    try {
      JSON.parse('hidden words of a user');
    } catch (error) {
      log.error({ error: String(error) }, String(error));
    }
  });
  expect(line).toContain('SyntaxError');
  expect(line).not.toContain('hidden');
});
