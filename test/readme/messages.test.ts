import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from '../../src/errors.ts';
import { MESSAGE_STATUSES } from '../../src/journal/journal.ts';
import { DeliverySchema } from '../../src/outbox/outbox.ts';
import { WRITE_METHODS } from '../../src/telegram/methods.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'messages.md'), 'utf8');

/** The rows of the table with this head, each as the text of its cells without backquotes. */
function table(head: string): string[][] {
  const [, rows = ''] = page.split(`| ${head} |`);
  return rows
    .split('\n\n', 1)
    .join('')
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

test('docs/messages.md names every method, with all that it requires', () => {
  const rows = table('method | what it needs beside `chat_id`');
  expect(rows.map(([name]) => name)).toEqual(Object.keys(WRITE_METHODS).toSorted(byTable(rows)));
  for (const [name = '', needs = ''] of rows) {
    const required: string[] = Object(WRITE_METHODS[name]?.schema).required.filter(
      (field: string) => field !== 'chat_id',
    );
    for (const field of required) expect(`${name}: ${needs}`).toContain(field);
  }
});

const byTable = (rows: readonly string[][]) => (a: string, b: string) =>
  rows.findIndex(([name]) => name === a) - rows.findIndex(([name]) => name === b);

test('it names every status, every field of delivery, and the codes and statuses of errors as they are', () => {
  expect(table('status | means').map(([status]) => status)).toEqual([...MESSAGE_STATUSES]);
  const fields = table('field | means').map(([field]) => field);
  expect(fields.toSorted()).toEqual(Object.keys(DeliverySchema.properties).toSorted());
  for (const [status, code = ''] of table('status | code | when')) {
    expect([code, String(Object(ERRORS)[code]?.status)]).toEqual([code, status]);
  }
});
