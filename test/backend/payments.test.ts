import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { machine } from '../../machines/payment.machine.ts';
import type { BackendRequest } from '../../src/backend/backend.ts';
import { createPayments, EXAMPLE_RULES } from '../../src/backend/payments.ts';
import { createSqlitePaymentStore } from '../../src/backend/sqlite.ts';
import { button, presses, says, talkTo } from '../machines/harness.ts';
import { manualClock } from '../support/clock.ts';

const input = { reference: '777/5-x', amount: '12.50', currency: 'EUR', recipient: '@anna' };
const request = (more: Partial<BackendRequest> = {}): BackendRequest => ({
  id: '1-5-0',
  bot: '1',
  conversation: '777',
  src: 'openPayment',
  input,
  attempt: 1,
  ...more,
});
const { signal } = new AbortController();

let folder: string;
let db: DatabaseSync;
const open = () => new DatabaseSync(join(folder, 'payments.db'));
const payments = (rules = EXAMPLE_RULES) =>
  createPayments({ store: createSqlitePaymentStore(db, manualClock(1000)), clock: manualClock(1000), rules });
const rows = () => db.prepare('SELECT * FROM payments').all();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switchboard-payments-'));
  db = open();
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

describe('openPayment', () => {
  test('is accepted with a number, and the payment is in the database', async () => {
    const answer = await payments().ask(request(), signal);
    expect(answer).toEqual({ status: 'accepted', paymentId: expect.stringMatching(/^pay_[0-9a-f]{16}$/) });
    expect(rows()).toMatchObject([
      { conversation: '777', amount: '12.50', currency: 'EUR', recipient: '@anna', declined: null, created_at: 1000 },
    ]);
  });

  test('asked again under its id opens one payment and gives the same answer, after a restart too', async () => {
    const noReference = { input: { amount: '1.00', currency: 'EUR', recipient: '@x' } };
    const first = await payments().ask(request(noReference), signal);
    db.close();
    db = open();
    expect(await payments().ask(request({ ...noReference, attempt: 2 }), signal)).toEqual(first);
    expect(rows()).toHaveLength(1);
    expect(await payments().ask(request({ ...noReference, id: '1-6-0' }), signal)).not.toEqual(first);
  });

  test('asked twice at the same time opens one payment', async () => {
    const backend = payments();
    const [a, b] = await Promise.all([backend.ask(request(), signal), backend.ask(request(), signal)]);
    expect(a).toEqual(b);
    expect(rows()).toHaveLength(1);
  });

  test('of another request with the same reference is the same payment; of another bot it is another', async () => {
    const first = await payments().ask(request(), signal);
    expect(await payments().ask(request({ id: '1-9-0' }), signal)).toEqual(first);
    expect(await payments().ask(request({ id: '2-9-0', bot: '2' }), signal)).not.toEqual(first);
  });

  test.each([
    [{ currency: 'XAU' }, 'XAU is not one of EUR'],
    [{ amount: '10000.01' }, 'above the limit of 10000 EUR'],
  ])('of %j is declined, with the reason', async (wrong, reason) => {
    expect(await payments().ask(request({ input: { ...input, ...wrong } }), signal)).toEqual({
      status: 'declined',
      reason: expect.stringContaining(reason),
    });
  });

  test('at the limit is accepted', async () => {
    const answer = await payments().ask(request({ input: { ...input, amount: '10000.00' } }), signal);
    expect(answer).toMatchObject({ status: 'accepted' });
  });

  test('once declined stays declined, whatever the rules are now', async () => {
    const strict = payments({ currencies: [], amountMax: 1 });
    const first = await strict.ask(request(), signal);
    expect(first).toMatchObject({ status: 'declined' });
    expect(await payments().ask(request(), signal)).toEqual(first);
  });

  test.each([
    null,
    {},
    { ...input, amount: 12.5 },
    { ...input, amount: '12' },
    { ...input, currency: 'eur' },
    { ...input, recipient: '' },
  ])('with input %j is refused for good, and nothing is kept', async (wrong) => {
    await expect(payments().ask(request({ input: wrong }), signal)).rejects.toMatchObject({
      code: 'refused',
      retryable: false,
    });
    expect(rows()).toEqual([]);
  });

  test('understands what the payment conversation asks', async () => {
    const talk = talkTo(machine, { conversation: '777', chat: '777' });
    const asked = talk.send(presses(button(talk.send(says('/pay 12.50 EUR @anna')), 'Confirm')));
    const [{ src, input } = { src: '', input: null }] = asked.requests;
    talk.answer(await payments().ask(request({ src, input }), signal));
    expect(talk.state).toEqual({ underWay: 'open' });
  });
});

test('a request that nobody handles is unknown_request, for good', async () => {
  await expect(payments().ask(request({ src: 'fly' }), signal)).rejects.toMatchObject({
    code: 'unknown_request',
    retryable: false,
    message: expect.stringContaining('fly'),
  });
});

describe('on a connection that is in a transaction', () => {
  test('a payment is not kept, as it could be undone; it can be asked for again', async () => {
    const backend = payments();
    db.exec('BEGIN');
    await expect(backend.ask(request(), signal)).rejects.toThrow('in a transaction');
    db.exec('ROLLBACK');
    expect(await backend.ask(request(), signal)).toMatchObject({ status: 'accepted' });
  });

  test('that spans microtasks only, as the journal’s do, a payment waits for its end and survives its undoing', async () => {
    const backend = payments();
    const asking = backend.ask(request(), signal);
    db.exec('BEGIN');
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    db.exec('ROLLBACK');
    expect(await asking).toMatchObject({ status: 'accepted' });
    expect(rows()).toHaveLength(1);
  });
});
