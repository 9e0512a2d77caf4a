import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { blocksOf, patternOf } from '../readme/blocks.ts';
import { temporaryFolder } from '../support/journal.ts';
import { createKey, freeEnv, run, startServer } from './support.ts';

const SUPPORT = join(import.meta.dirname, '..', 'machines', 'support.machine.ts');
const read = async (response: Response) => JSON.parse(await response.text());

/** A user pays in the sandbox: asks, confirms, hears that it is open and that it is settled; a key writes in between. */
async function pay() {
  const server = await startServer();
  const { key } = await createKey(server.env, 'aggregator');
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const user = async (path: string, body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return read(await fetch(`${server.sandboxUrl}/sandbox/bots/1:sandbox/chats/777${path}`, init));
  };
  const post = (path: string, body: object) =>
    fetch(`${server.url}/v1/${path}`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': path },
      body: JSON.stringify(body),
    });
  /** The bot's message with these words, once it is there. */
  async function said(words: RegExp) {
    for (;;) {
      const { messages } = await user('');
      const found = messages.find(({ text }: { text: string }) => words.test(text));
      if (found !== undefined) return found;
      await new Promise(setImmediate);
    }
  }
  await user('/messages', { text: '/start', from: { id: 777, first_name: 'Mia' } });
  await user('/messages', { text: '/pay 12.50 EUR @anna' });
  const question = await said(/^Pay 12\.50/);
  const [[confirm]] = question.reply_markup.inline_keyboard;
  await user('/callbacks', { message_id: question.message_id, data: confirm.callback_data });
  const { text } = await said(/Its number is pay_/);
  await post('messages', { chat_id: 777, text: 'A word from the bank.' });
  const paymentId = /pay_\w+/.exec(text)?.[0];
  await post('chats/777/events', { type: 'payment.settled', paymentId });
  await said(/^Settled/);
  return server;
}

const linesOf = (text: string, start: string) => text.split('\n').filter((line) => line.startsWith(start));

test('a payment of the sandbox is replayed as it happened, beside the server and without; nothing is written or sent', async () => {
  const { env, child, ended, sandboxUrl } = await pay();
  const transcript = async () => (await fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777`)).text();
  const before = await transcript();
  const beside = await run(['replay', '--chat', '777'], env).ended;
  expect(beside).toMatchObject({ code: 0, stderr: '' });
  expect(linesOf(beside.stdout, '!')).toEqual([]);
  expect(beside.stdout.match(/^ {12}\S.* -> .*$/gm)?.map((line) => line.trim())).toEqual([
    'not begun -> "idle"',
    '"idle" -> "confirming"',
    '"confirming" -> {"underWay":"asking"}',
    '{"underWay":"asking"} -> {"underWay":"open"}',
    '{"underWay":"open"} -> "idle"',
  ]);
  expect(beside.stdout).toContain('would ask openPayment {"reference":"777/');
  expect(beside.stdout.trim().split('\n').at(-1)).toBe('payment 1: 5 events, 6 would-be sends; as it happened');
  expect(await transcript()).toBe(before);
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'machines', 'README.md'), 'utf8');
  const [example] = blocksOf(page).filter(({ section, language }) => section === 'Replay' && language === 'text');
  expect(beside.stdout).toMatch(patternOf(example?.lines ?? []));

  child.kill('SIGTERM');
  await ended;
  const folder = env.SWITCHBOARD_DATA ?? '';
  // Reading makes SQLite's own two files beside it; what is written would be in the first.
  const hashes = () =>
    ['switchboard.db', 'switchboard.db-wal'].map((file) =>
      createHash('sha256')
        .update(existsSync(join(folder, file)) ? readFileSync(join(folder, file)) : '')
        .digest('hex'),
    );
  const stored = hashes();
  const alone = await run(['replay', '--chat', '777'], env).ended;
  expect(alone.stdout).toBe(beside.stdout);
  expect(hashes()).toEqual(stored);

  // Another machine: each event that it takes otherwise is marked, with what came of it then.
  const other = await run(['replay', '--chat', '777', '--machine', SUPPORT], env).ended;
  expect(other.code).toBe(0);
  expect(linesOf(other.stdout, '! ').length).toBeGreaterThan(3);
  expect(other.stdout).toContain('!           not begun -> "opening"');
  expect(other.stdout).toContain('then: sent sendMessage {"chat_id":777,"text":"I make payments for you.');
  expect(other.stdout).toContain('the backend answered openPayment then, and nobody asks it here');
  expect(other.stdout.trim().split('\n').at(-1)).toMatch(
    /^support 1: .* departs from what happened \d+ times, marked !$/,
  );

  const file = join(temporaryFolder(), 'paid.jsonl');
  const saved = await run(['replay', '--chat', '777', '--save', file], env).ended;
  expect(saved.stdout).toBe(beside.stdout);
  const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  expect(JSON.parse(head ?? '')).toMatchObject({
    machine: 'payment',
    version: '1',
    about: expect.stringContaining('words, name and ids'),
  });
  expect(lines).toHaveLength(5);
  // What was saved once is not written over.
  const again = await run(['replay', '--chat', '777', '--save', file], env).ended;
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already exists')]);
});

test('what cannot be replayed is said: no such chat, no data, no machine, a wrong id', async () => {
  const { env } = await startServer();
  const outcome = async (args: string[], at = env) => {
    const { code, stderr } = await run(['replay', ...args], at).ended;
    return [code, stderr.split('\n')[0]];
  };
  expect(await outcome(['--chat', '5'])).toEqual([1, 'switchboard: the journal has nothing that 5 could have taken']);
  const file = join(temporaryFolder(), 'nothing.jsonl');
  expect((await outcome(['--chat', '5', '--save', file]))[0]).toBe(1);
  expect(existsSync(file)).toBe(false);
  const empty = freeEnv();
  expect(await outcome(['--chat', '5'], empty)).toEqual([
    1,
    `switchboard: there is no data in ${empty.SWITCHBOARD_DATA}: see SWITCHBOARD_DATA`,
  ]);
  expect(existsSync(empty.SWITCHBOARD_DATA ?? '')).toBe(false);
  const [code, says] = await outcome(['--chat', '5', '--machine', 'gone.machine.ts']);
  expect([code, says]).toEqual([2, expect.stringMatching(/gone\.machine\.ts cannot be read: /)]);
  const wrong = 'switchboard: replay needs --chat ID: a chat id, as 777 or -100777:u5';
  expect(await outcome(['--chat', 'mia'])).toEqual([2, wrong]);
  expect(await outcome([])).toEqual([2, wrong]);
});
