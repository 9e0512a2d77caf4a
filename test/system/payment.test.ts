import { expect, test } from 'vitest';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';
import { createOperator, type Heard } from './operator.ts';

const CHAT = 777;

/** Fields of JSON that a test looks into; what is not there fails its expectation. */
const read = async (response: Response) => JSON.parse(await response.text());

/** The words of an entry, short: what a reader of the log would say happened. */
function told({ type, data }: Heard): string {
  const { chat, update, button, event, message, to, src } = JSON.parse(data);
  const words = {
    'update.received': () => update.message?.text ?? button?.split(':')[0],
    'event.received': () => event.type,
    'chat.moved': () => JSON.stringify(to),
    'request.answered': () => src,
  }[type];
  return `${chat} ${type} ${words?.() ?? message?.method}`;
}

test('a user pays, two operators read it live, the aggregator’s word reaches the user, and SIGTERM ends it cleanly', async () => {
  const env = freeEnv();
  const server = await startServer(env);
  const { url } = server;
  const keys = await Promise.all([
    createKey(env, 'operator'),
    createKey(env, 'operator', '--chat', '888'),
    createKey(env, 'aggregator'),
    createKey(env, 'admin'),
  ]);
  const [all, restricted] = [createOperator(keys[0].key), createOperator(keys[1].key)];
  const aggregator = { authorization: `Bearer ${keys[2].key}`, 'content-type': 'application/json' };
  const reading = [all.read(url), restricted.read(url)];
  for (const { pulse, controls } of [all, restricted]) await pulse.until(() => controls.length > 0, 'stream.hello');

  const user = async (path: string, body?: object) => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return read(await fetch(`${server.sandboxUrl}/sandbox/bots/1:sandbox/chats/${CHAT}${path}`, init));
  };
  const write = (text: string) => user('/messages', { text });
  const post = (path: string, idempotencyKey: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { ...aggregator, 'idempotency-key': idempotencyKey },
      body: JSON.stringify(body),
    });
  /** Waits until the operator has read that so many messages were sent: the user has them then. */
  const sent = (count: number) =>
    all.pulse.until(
      () => all.entries.filter(({ type }) => type === 'message.sent').length === count,
      `${count} messages to be sent`,
    );
  const transcript = async (): Promise<{ message_id: number; text: string; reply_markup?: unknown }[]> =>
    (await user('')).messages;
  const last = async () => (await transcript()).at(-1);

  await write('/start');
  await sent(1);
  expect((await last())?.text).toMatch(/^I make payments for you/);

  await write('/pay 12.50 EUR @anna');
  await sent(2);
  const question = JSON.parse(JSON.stringify(await last()));
  expect(question.text).toMatch(/^Pay 12\.50 EUR to @anna\?/);

  // Confirm: the press is answered, the question is edited, and the backend opens the payment.
  const [[confirm]] = question.reply_markup.inline_keyboard;
  await user('/callbacks', { message_id: question.message_id, data: confirm.callback_data });
  await sent(5);
  const opened = (await last())?.text ?? '';
  const [, paymentId] = /Its number is (pay_\w+)\./.exec(opened) ?? [];
  expect(paymentId).toBeDefined();
  expect((await transcript()).find(({ message_id }) => message_id === question.message_id)?.text).toMatch(/^Confirmed/);

  // The aggregator writes to the user, and the same post again is the same message.
  const body = { chat_id: CHAT, text: 'Your bank has the order.' };
  const first = await post('/v1/messages', 'order-1', body);
  expect(first.status).toBe(202);
  const again = await post('/v1/messages', 'order-1', body);
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  const { id } = await read(first);
  expect(await read(again)).toMatchObject({ id });
  await sent(6);
  const settled = await read(await fetch(`${url}/v1/messages/${id}?wait=50`, { headers: aggregator }));
  const shown = await last();
  expect(settled).toMatchObject({ status: 'sent', telegram_message_id: shown?.message_id });
  expect(shown?.text).toBe('Your bank has the order.');

  const event = await post(`/v1/chats/${CHAT}/events`, 'settled-1', { type: 'payment.settled', paymentId });
  expect(event.status).toBe(202);
  await sent(7);
  expect((await last())?.text).toBe('Settled: 12.50 EUR to @anna has been paid.');

  // Another chat: the restricted operator sees this one alone.
  await fetch(`${server.sandboxUrl}/sandbox/bots/1:sandbox/chats/888/messages`, {
    method: 'POST',
    body: JSON.stringify({ text: '/help' }),
  });
  await sent(8);
  await restricted.pulse.until(() => restricted.entries.at(-1)?.type === 'message.sent', 'the other chat');
  expect(restricted.entries.map(told)).toEqual([
    '888 update.received /help',
    '888 message.accepted sendMessage',
    '888 chat.moved "idle"',
    '888 message.sent sendMessage',
  ]);

  const seqs = all.entries.map(({ data }) => JSON.parse(data).seq);
  expect(seqs).toEqual(seqs.map((_, i) => i + 1));
  const ofChat = all.entries.map(told).filter((line) => line.startsWith(`${CHAT} `));
  const withoutFates = ofChat.filter((line) => !line.includes(' message.'));
  expect(withoutFates).toEqual([
    '777 update.received /start',
    '777 chat.moved "idle"',
    '777 update.received /pay 12.50 EUR @anna',
    '777 chat.moved "confirming"',
    '777 update.received confirm',
    '777 chat.moved {"underWay":"asking"}',
    '777 request.answered openPayment',
    '777 chat.moved {"underWay":"open"}',
    '777 event.received payment.settled',
    '777 chat.moved "idle"',
  ]);

  // Nobody else may serve this folder meanwhile.
  const second = await run(['start'], env).ended;
  expect(second).toMatchObject({ code: 4, stdout: '' });
  expect(second.stderr).toContain(`is served by process ${server.child.pid} on `);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  // The live figures are those of this run.
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${keys[3].key}` } });
  const figures = (await metrics.text()).split('\n');
  const sentInAll = all.entries.filter(({ type }) => type === 'message.sent').length;
  expect(figures).toContain(`switchboard_messages_sent_total ${sentInAll}`);
  expect(figures).toContain(`switchboard_journal_head ${all.entries.length}`);
  expect(figures).toContain('switchboard_outbox_depth 0');
  expect(figures).toContain('switchboard_outbox_in_flight 0');
  expect(figures).toContain('switchboard_conversations_live 2');
  expect(figures).toContain('switchboard_operators_connected 2');

  server.child.kill('SIGTERM');
  expect(await Promise.all(reading)).toEqual(['ended', 'ended']);
  expect((await server.ended).code).toBe(0);
});
