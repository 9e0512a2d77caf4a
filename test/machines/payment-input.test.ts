import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clip, quote, readCommand, readPayment } from '../../machines/payment-input.ts';

const problem = (rest: string): string => {
  const reading = readPayment(rest);
  return reading.ok ? '' : reading.problem;
};

describe('a command', () => {
  test.each([
    ['/pay 1 EUR @x', 'pay', '1 EUR @x'],
    ['/PAY@MyBot  1 EUR @x ', 'pay', '1 EUR @x'],
    ['/pay@MyBot\n1\nEUR\n@x', 'pay', '1\nEUR\n@x'],
    ['  /start payload', 'start', 'payload'],
    ['/help', 'help', ''],
  ])('%j is /%s with %j', (text, name, rest) => {
    expect(readCommand(text)).toEqual({ name, rest });
  });

  test.each(['pay 1', '/', '//pay', '/pay!', 'say /pay', '/pay@', '/päy'])('%j is none', (text) => {
    expect(readCommand(text)).toBeNull();
  });
});

describe('a payment', () => {
  test.each([
    ['12.50 EUR @anna', '12.50', 'EUR', '@anna'],
    ['10 eur @x', '10.00', 'EUR', '@x'],
    ['0,5 usd  acme-42', '0.50', 'USD', 'acme-42'],
    ['007.1 EUR Øystein', '7.10', 'EUR', 'Øystein'],
    ['999999.99 CHF bob@example.org', '999999.99', 'CHF', 'bob@example.org'],
    ['1 EUR DE89370400440532013000', '1.00', 'EUR', 'DE89370400440532013000'],
    ['1 EUR de89 3704 0044 0532 0130 00', '1.00', 'EUR', 'DE89370400440532013000'],
  ])('%j is read', (rest, amount, currency, recipient) => {
    expect(readPayment(rest)).toEqual({ ok: true, payment: { amount, currency, recipient } });
  });

  test.each([
    ['', 'missing'],
    ['12', 'currency and the recipient are missing'],
    ['12 EUR', 'recipient is missing'],
    ['EUR 12 @x', '“EUR” is not an amount'],
    ['-1 EUR @x', 'is not an amount'],
    ['1e3 EUR @x', 'is not an amount'],
    ['1,000 EUR @x', 'is not an amount'],
    ['1.234 EUR @x', 'is not an amount'],
    ['0.00 EUR @x', 'above 0'],
    ['1000000 EUR @x', 'too much'],
    ['12 € @x', 'is not a currency'],
    ['12 EURO @x', 'is not a currency'],
    ['12 EUR @anna and @bob', 'more than one word'],
    ['12 EUR <b>', 'is not a recipient'],
    [`12 EUR ${'x'.repeat(65)}`, 'is not a recipient'],
    ['1 EUR DE88370400440532013000', 'check digits'],
    ['1 EUR DE89 3704 0044 0532 1030 00', 'check digits'],
  ])('%j is explained', (rest, why) => {
    expect(problem(rest)).toContain(why);
  });

  test('any text is either a payment that reads the same again, or one short sentence of explanation', () => {
    const word = fc.oneof(fc.string({ unit: 'binary', maxLength: 90 }), fc.constantFrom('12', '1.5', 'EUR', '@x', ' '));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), (words) => {
        const reading = readPayment(words.join(' '));
        if (!reading.ok) return reading.problem.length > 0 && reading.problem.length < 300;
        const { amount, currency, recipient } = reading.payment;
        expect(readPayment(`${amount} ${currency} ${recipient}`)).toEqual(reading);
        return Number(amount) > 0 && recipient.length <= 64;
      }),
    );
  });

  test('a message of megabytes is explained at once, in few words', () => {
    expect(problem('9'.repeat(3_000_000)).length).toBeLessThan(200);
    expect(problem(`1 EUR ${'a '.repeat(1_000_000)}`).length).toBeLessThan(200);
  });
});

describe("a user's words shown back", () => {
  test('are bounded, on one line and without characters that hide or turn text', () => {
    expect(quote('a\nb\u202ec\u200bd')).toBe('“a b c d”');
    expect(clip('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  test('never end in half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (words, length) =>
        clip(words, length + 1).isWellFormed(),
      ),
    );
  });
});
