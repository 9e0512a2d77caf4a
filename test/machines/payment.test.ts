import { describe, expect, test } from 'vitest';
import { machine } from '../../machines/payment.machine.ts';
import { ANNA, type Asked, BOB, button, edits, membership, presses, says, type Talk, talkTo } from './harness.ts';

const PAY = '/pay 12.50 EUR @anna';
const PAYMENT = '12.50 EUR to @anna';
const ACCEPTED = { status: 'accepted', paymentId: 'p-1', url: 'https://pay.example/p-1' };
const UNREACHABLE = { code: 'unreachable', message: 'timed out' };

const inPrivate = () => talkTo(machine, { conversation: '777', chat: '777' });
const inGroup = () => talkTo(machine, { conversation: '-50', chat: '-50' });

interface Put {
  readonly talk: Talk;
  readonly asked: Asked;
}

/** The states of the conversation, each reached as a user would. */
const put = {
  idle: (): Put => {
    const talk = inPrivate();
    return { talk, asked: talk.send(says('/start')) };
  },
  confirming: (talk = inPrivate()): Put => ({ talk, asked: talk.send(says(PAY)) }),
  asking: (): Put => {
    const { talk, asked } = put.confirming();
    return { talk, asked: talk.send(presses(button(asked, 'Confirm'))) };
  },
  unreachable: (): Put => {
    const { talk } = put.asking();
    return { talk, asked: talk.fail(UNREACHABLE) };
  },
  open: (): Put => {
    const { talk } = put.asking();
    return { talk, asked: talk.answer(ACCEPTED) };
  },
};
const STATES = Object.keys(put) as (keyof typeof put)[];

describe('asking for a payment', () => {
  test('/start greets, also with a deep link behind it, and /help lists the commands', () => {
    const talk = inPrivate();
    expect(talk.send(says('/start')).words).toContain('/pay <amount> <currency> <recipient>');
    expect(talk.send(says('/start ref_42')).words).toContain('Nothing is paid before you confirm');
    expect(talk.send(says('/help')).words).toMatch(/\/pay[\s\S]*\/status[\s\S]*\/cancel/);
  });

  test('/pay asks back with the whole payment and two buttons that Telegram takes', () => {
    const { talk, asked } = put.confirming();
    expect(talk.state).toBe('confirming');
    expect(asked.words).toContain(PAYMENT);
    for (const text of ['Confirm', 'Cancel']) expect(button(asked, text).length).toBeLessThanOrEqual(64);
    expect([...talk.timers.values()]).toEqual([600_000]);
  });

  test('a command may name the bot, as it does in groups', () => {
    const talk = inGroup();
    expect(talk.send(says('/pay@MyBot 10 EUR @x')).words).toContain('10.00 EUR to @x');
    expect(talk.state).toBe('confirming');
  });

  test('wrong input is explained in place, with what was wrong and an example', () => {
    const talk = inPrivate();
    const words = talk.send(says('/pay much EUR @anna')).words;
    expect(words).toContain('“much” is not an amount');
    expect(words).toContain('Example: /pay 12.50 EUR @anna');
    expect(talk.state).toBe('idle');
  });

  test('a wrong /pay while one waits is explained, and the one that waits stays', () => {
    const { talk, asked } = put.confirming();
    expect(talk.send(says('/pay 1')).words).toContain('missing');
    talk.send(presses(button(asked, 'Confirm')));
    expect(talk.state).toEqual({ underWay: 'asking' });
  });

  test('a new /pay takes the place of one that waits; its 10 minutes begin anew and the old buttons are stale', () => {
    const { talk, asked: old } = put.confirming();
    const asked = talk.send(says('/pay 99 USD @bob'));
    expect(asked.words).toContain(`${PAYMENT} is dropped`);
    expect(asked.words).toContain('99.00 USD to @bob');
    expect(talk.timers.size).toBe(1);
    expect(talk.send(presses(button(old, 'Confirm'))).words).toContain('earlier payment');
    expect(talk.state).toBe('confirming');
    expect(talk.send(presses(button(asked, 'Confirm'))).requests[0]?.input).toMatchObject({ amount: '99.00' });
  });
});

describe('confirming', () => {
  test('Confirm answers the press, takes the buttons away and asks the backend, once', () => {
    const { talk, asked } = put.confirming();
    const then = talk.send(presses(button(asked, 'Confirm'), { id: 'press-9', messageId: 901 }));
    expect(then.answers).toMatchObject([{ callback_query_id: 'press-9' }]);
    expect(then.edits).toMatchObject([{ message_id: 901, text: expect.stringContaining(PAYMENT) }]);
    expect(then.edits[0]).not.toHaveProperty('reply_markup');
    expect(then.requests).toMatchObject([
      { src: 'openPayment', input: { amount: '12.50', currency: 'EUR', recipient: '@anna', payer: ANNA.id } },
    ]);
    expect([...talk.timers.values()]).toEqual([15_000]);
    const again = talk.send(presses(button(asked, 'Confirm')));
    expect(again.answers).toHaveLength(1);
    expect(again.requests).toEqual([]);
  });

  test('a backend that takes its time: the user hears once that it is asked still, and how it ended', () => {
    const { talk, asked } = put.confirming();
    talk.send(presses(button(asked, 'Confirm')));
    const slow = talk.elapse();
    expect(slow.words).toContain('has not answered yet');
    expect([slow.requests, talk.state, talk.timers.size]).toEqual([[], { underWay: 'asking' }, 0]);
    expect(talk.answer({ status: 'accepted', paymentId: 'p' }).words).toContain('is open');
  });

  test.each(['the button', '/cancel'])('Cancel by %s drops the payment and says that nothing was paid', (how) => {
    const { talk, asked } = put.confirming();
    const then = talk.send(how === '/cancel' ? says('/cancel') : presses(button(asked, 'Cancel')));
    expect(then.words).toContain('Nothing was paid');
    expect(then.requests).toEqual([]);
    expect(talk.state).toBe('idle');
    expect(talk.timers.size).toBe(0);
  });

  test('after 10 minutes the question expires with a word, and its buttons are stale', () => {
    const { talk, asked } = put.confirming();
    expect(talk.elapse().words).toContain('10 minutes');
    expect(talk.state).toBe('idle');
    expect(talk.send(presses(button(asked, 'Confirm'))).words).toContain('earlier payment');
    expect(talk.state).toBe('idle');
  });

  test.each(STATES)('a press on a stale button changes nothing and says so: %s', (state) => {
    const { talk } = put[state]();
    const before = [talk.state, talk.context];
    const asked = talk.send(presses('confirm:2s-old', { id: 'press-3' }));
    expect(asked.answers).toEqual([{ callback_query_id: 'press-3', text: expect.stringContaining('earlier payment') }]);
    expect([asked.replies, asked.edits, asked.requests]).toEqual([[], [], []]);
    expect([talk.state, talk.context]).toEqual(before);
  });

  test('a word in place of a press points to the buttons', () => {
    expect(put.confirming().talk.send(says('yes')).words).toContain('press Confirm or Cancel');
  });

  test('two payments in a row never share a button, even for the same message id in another time', () => {
    const talk = inPrivate();
    const first = talk.send(says(PAY, { messageId: 5, at: '2026-01-01T00:00:00.000Z' }));
    talk.send(says('/cancel'));
    const second = talk.send(says(PAY, { messageId: 5, at: '2026-02-01T00:00:00.000Z' }));
    expect(button(first, 'Confirm')).not.toBe(button(second, 'Confirm'));
  });
});

describe('the backend', () => {
  test('accepted: says the number and the page, and waits', () => {
    const { talk, asked } = put.open();
    expect(asked.words).toContain('p-1');
    expect(asked.words).toContain('https://pay.example/p-1');
    expect(talk.state).toEqual({ underWay: 'open' });
  });

  test('a page that is no https link is left out', () => {
    const { talk } = put.asking();
    expect(talk.answer({ ...ACCEPTED, url: 'javascript:alert(1)' }).words).not.toContain('javascript');
    expect(talk.state).toEqual({ underWay: 'open' });
  });

  test('whatever users, the backend and the aggregator write, every message fits into Telegram', () => {
    const long = 'x'.repeat(100_000);
    const pay = `/pay 999999.99 EUR ${'ж'.repeat(64)}`;
    const said = (answer: unknown, reason: string): string[] => {
      const talk = inPrivate();
      const first = [talk.send(says(long)), talk.send(says(`/${long}`)), talk.send(says(`/pay ${long}`))];
      const asked = talk.send(says(pay));
      const then = [talk.send(presses(button(asked, 'Confirm'))), talk.answer(answer)];
      const last = talk.send({ type: 'payment.failed', paymentId: 'i'.repeat(200), reason });
      return [...first, asked, ...then, last, talk.send(says('/status'))].flatMap((a) => a.replies.map((r) => r.text));
    };
    const texts = [
      ...said({ status: 'accepted', paymentId: 'i'.repeat(200), url: `https://x/${'u'.repeat(1990)}` }, long),
      ...said({ status: 'declined', reason: long }, long),
    ];
    expect(texts.filter((text) => text.length === 0 || text.length > 4096)).toEqual([]);
    expect(texts.some((text) => text.includes('x'.repeat(200)))).toBe(true);
  });

  test('declined: says why, and the next /pay is welcome', () => {
    const { talk } = put.asking();
    expect(talk.answer({ status: 'declined', reason: 'too much' }).words).toContain('declined');
    expect(talk.send(says('/status')).words).toContain('declined');
    expect(talk.send(says(PAY)).words).toContain('Pay 12.50');
  });

  test.each(['unreachable', 'timeout', 'overloaded'])(
    '%s: says so and offers to try again; the second request names the same payment',
    (code) => {
      const { talk, asked: first } = put.asking();
      const asked = talk.fail({ code, message: 'not now' });
      expect(asked.words).toContain('cannot reach the payment service');
      const again = talk.send(presses(button(asked, 'Try again')));
      expect(again.answers).toHaveLength(1);
      expect(again.requests).toEqual(first.requests);
      talk.answer(ACCEPTED);
      expect(talk.state).toEqual({ underWay: 'open' });
    },
  );

  test.each(['the button', '/cancel'])('unreachable, given up by %s: does not claim that nothing was paid', (how) => {
    const { talk, asked } = put.unreachable();
    const then = talk.send(how === '/cancel' ? says('/cancel') : presses(button(asked, 'Cancel')));
    expect(then.words).toContain('cannot rule out');
    expect(talk.state).toBe('idle');
  });

  test.each(['refused', 'unknown_request'])('%s: ends, since another try would not help', (code) => {
    const { talk } = put.asking();
    expect(talk.fail({ code, message: 'no' }).words).toContain('did not take');
    expect(talk.state).toBe('idle');
  });

  test.each([null, 'yes', {}, { status: 'accepted' }, { status: 'accepted', paymentId: 7 }, { status: 'open' }])(
    'an answer not of the form (%j) is no acceptance: the user may try again',
    (output) => {
      const { talk } = put.asking();
      expect(button(talk.answer(output), 'Try again')).toMatch(/^retry:/);
      expect(talk.state).toEqual({ underWay: 'unreachable' });
    },
  );
});

describe("the aggregator's word", () => {
  test('payment.settled ends the payment with good news', () => {
    const { talk } = put.open();
    expect(talk.send({ type: 'payment.settled', paymentId: 'p-1' }).words).toContain(`Settled: ${PAYMENT}`);
    expect(talk.state).toBe('idle');
    expect(talk.send(says('/status')).words).toContain('settled');
  });

  test('payment.failed ends it and says why', () => {
    const { talk } = put.open();
    expect(talk.send({ type: 'payment.failed', paymentId: 'p-1', reason: 'no funds' }).words).toContain('no funds');
    expect(talk.state).toBe('idle');
  });

  test.each([{ paymentId: 'p-2' }, { paymentId: 1 }, {}])('a word on another payment (%j) is ignored', (which) => {
    const { talk } = put.open();
    const before = talk.context;
    expect(talk.send({ type: 'payment.settled', ...which }).silent).toBe(true);
    expect([talk.state, talk.context]).toEqual([{ underWay: 'open' }, before]);
  });

  test('the same word twice is said once', () => {
    const { talk } = put.open();
    talk.send({ type: 'payment.settled', paymentId: 'p-1' });
    expect(talk.send({ type: 'payment.settled', paymentId: 'p-1' }).silent).toBe(true);
  });

  test("a word faster than the backend's answer is not lost", () => {
    const { talk } = put.asking();
    expect(talk.send({ type: 'payment.settled', paymentId: 'p-1' }).silent).toBe(true);
    expect(talk.answer(ACCEPTED).replies.map((r) => r.text)).toEqual([
      expect.stringContaining('is open'),
      expect.stringContaining('Settled'),
    ]);
    expect(talk.state).toBe('idle');
  });

  test('a flood of words while the backend is asked does not grow the conversation', () => {
    const { talk } = put.asking();
    for (let n = 0; n < 500; n++) talk.send({ type: 'payment.failed', paymentId: `x${n}`, reason: 'r'.repeat(5000) });
    expect(JSON.stringify(talk.context).length).toBeLessThan(5000);
  });
});

describe('in every state', () => {
  test.each(STATES)('%s: /status and /help are answered and change nothing', (state) => {
    const { talk } = put[state]();
    const before = [talk.state, talk.context];
    const status = talk.send(says('/status'));
    expect(status.replies).toHaveLength(1);
    expect(status.words).toContain(state === 'idle' ? 'No payment is open' : PAYMENT);
    expect(talk.send(says('/help')).words).toContain('/status: what');
    expect([talk.state, talk.context]).toEqual(before);
  });

  test.each(['asking', 'open'] as const)('%s: /cancel is honest, and /pay waits its turn', (state) => {
    const { talk } = put[state]();
    const before = talk.state;
    expect(talk.send(says('/cancel')).words).toContain('cannot take it back');
    expect(talk.send(says('/pay 1 EUR @bob')).words).toContain('One payment at a time');
    expect(talk.state).toEqual(before);
  });

  test('idle: /cancel says that there is nothing to cancel', () => {
    expect(put.idle().talk.send(says('/cancel')).words).toContain('nothing to cancel');
  });

  test.each(STATES)('%s: photos, chatter, unknown commands and edits get one sensible answer each', (state) => {
    const { talk } = put[state]();
    const before = [talk.state, talk.context];
    const said = [
      talk.send(says(PAY, { kind: 'photo' })),
      talk.send(says('', { kind: 'sticker' })),
      talk.send(says('hm')),
      talk.send(says('/dance')),
      talk.send(edits('/pay 9 EUR @eve')),
    ];
    expect(said.map((asked) => asked.replies.length)).toEqual([1, 1, 1, 1, 1]);
    expect(said[0]?.words).toContain('text only');
    expect([talk.state, talk.context]).toEqual(before);
  });

  test('an edit of the /pay that waits changes nothing and says so', () => {
    const talk = inPrivate();
    const asked = talk.send(says(PAY, { messageId: 31 }));
    expect(talk.send(edits('/pay 9999 EUR @eve', { messageId: 31 })).words).toContain('does not change the payment');
    expect(talk.send(presses(button(asked, 'Confirm'))).requests[0]?.input).toMatchObject({ amount: '12.50' });
  });

  test.each(STATES)('%s: events that nobody knows are passed over', (state) => {
    const { talk } = put[state]();
    expect(talk.send({ type: 'weather.changed', to: 'rain' }).silent).toBe(true);
  });

  test('blocked while confirming: the payment is dropped without a word; under way: it goes on', () => {
    const { talk } = put.confirming();
    expect(talk.send(membership('kicked')).replies).toEqual([]);
    expect([talk.state, talk.timers.size]).toEqual(['idle', 0]);
    const open = put.open().talk;
    open.send(membership('kicked'));
    expect(open.state).toEqual({ underWay: 'open' });
    open.send(membership('member'));
    expect(open.send({ type: 'payment.settled', paymentId: 'p-1' }).words).toContain('Settled');
  });
});

describe('in a group', () => {
  test('people talk to each other: only commands are answered', () => {
    const talk = inGroup();
    for (const event of [says('lunch?'), says('', { kind: 'photo' }), says('/dance'), edits('lunch!')]) {
      expect(talk.send(event).silent).toBe(true);
    }
    expect(talk.send(says('/help')).replies).toHaveLength(1);
  });

  test('nobody else confirms, cancels or replaces a payment', () => {
    const { talk, asked } = put.confirming(inGroup());
    const bobs = { from: BOB };
    expect(talk.send(presses(button(asked, 'Confirm'), bobs)).words).toContain('Somebody else');
    expect(talk.send(presses(button(asked, 'Cancel'), bobs)).words).toContain('Somebody else');
    expect(talk.send(says('/cancel', bobs)).words).toContain('Somebody else');
    expect(talk.send(says('/pay 1 EUR @bob', bobs)).words).toContain('Somebody else');
    expect(talk.state).toBe('confirming');
    expect(talk.send(presses(button(asked, 'Confirm'))).requests).toHaveLength(1);
  });
});
