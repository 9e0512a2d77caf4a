import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, withoutSecrets } from '../../src/log.ts';

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

/** What nobody may read, and how others may write it. */
const word = fc.stringMatching(/^[A-Za-z0-9]{20}$/);
const QUOTES = ['""', "''", '``', '‘’', '“”', '„“', '„”', '«»', '»«', '‹›'];
const quoted = fc
  .tuple(fc.constantFrom(...QUOTES), word, fc.string({ unit: fc.constantFrom(...`ab "'\`“»/:@`) }), fc.boolean())
  .map(([[open, close], secret, noise, isCutOff]) => ({
    secret,
    text: `Bad Request: button URL ${open}${noise}${secret}${noise}${isCutOff ? '' : `${close} is invalid: can't use it`}`,
  }));
const inAddress = fc.constantFrom(
  (secret: string) => `http://user:${secret}@proxy.example:3128`,
  (secret: string) => `http://${secret}@proxy.example`,
  (secret: string) => `socks5://user:p/${secret}@proxy.example`,
  (secret: string) => `user:${secret}@proxy.example:3128`,
  (secret: string) => `https://api.example/bot12345:${secret}/getMe`,
  (secret: string) => `https://hooks.example/services/T0/${secret}`,
  (secret: string) => `https://backend.example/?key=${secret}`,
  (secret: string) => `https://backend.example#${secret}`,
);
const bare = fc.constantFrom(
  (secret: string) => `12345:${secret}`,
  (secret: string) => `whsec_${secret}==`,
  (secret: string) => `Bearer 1234567890:${secret}`,
);
const asWritten = fc.oneof(
  quoted,
  fc
    .tuple(fc.oneof(inAddress, bare), word, fc.constantFrom('""', "''", '()', '<>', '  ', '‘’'))
    .map(([put, secret, [open, close]]) => ({ secret, text: `no way to ${open}${put(secret)}${close}: refused` })),
);

test('I7: a secret that somebody else writes into an error, in whatever quotes, is in no line of the log', () => {
  fc.assert(
    fc.property(asWritten, ({ secret, text }) => {
      const line = written((log) => {
        log.trace(text);
        log.info({ error: text, within: { list: [text, { deeper: text }], cause: new Error(text) } }, text);
        log.warn({ error: new TypeError(text) }, 'failed: %s', text);
        log.error(new Error(text));
        log.error(new Error(text), text);
      });
      expect(line).not.toContain(secret);
    }),
    { numRuns: 500 },
  );
});

test('I7: errors on stderr are without secrets, and keep what they quote', () => {
  fc.assert(
    fc.property(inAddress, bare, word, (address, one, secret) => {
      expect(withoutSecrets(`"${address(secret)}", '${one(secret)}'`)).not.toContain(secret);
    }),
  );
  const says =
    'the proxy p.example:3128 (HTTP_PROXY) wants a user name: set HTTP_PROXY to http://NAME:PASSWORD@p.example';
  expect(withoutSecrets(says)).toBe(says);
  expect(withoutSecrets('chat with the bot: http://127.0.0.1:8081/sandbox')).toContain('8081/sandbox');
  expect(withoutSecrets(`the file '/data/a b' at 2026-01-01T00:00:00.000Z`)).toContain(
    `'/data/a b' at 2026-01-01T00:00:00.000Z`,
  );
});

test('I7: a text of megabytes costs the log no more than its beginning', () => {
  for (const part of ['a:', 'a@', "'", '"', ' x:y', 'http://', '1:', "'a"]) {
    const line = written((log) => log.warn({ error: part.repeat(500_000) }, 'x'));
    expect(line.length).toBeLessThan(6000);
  }
});
