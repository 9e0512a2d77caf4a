import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../../src/journal/journal.ts';
import { bytesOf, frameOf, opening } from '../../src/operators/frames.ts';
import { ENTRY_TYPES, entryText, eventId, parseEventId } from '../../src/operators/operators.ts';

const entry = (fields: Partial<Entry>): Entry => ({
  seq: 42,
  type: 'update.received',
  bot: '123',
  chat: '777',
  at: Date.parse('2026-01-01T00:00:00Z'),
  body: '{"update":{"update_id":1}}',
  ...fields,
});

/** Feeds the bytes as a network would: cut anywhere, also within a character. */
function parse(bytes: Buffer, cuts: readonly number[]) {
  const events: { id: string | undefined; event: string | undefined; data: string }[] = [];
  const parser = createParser({ onEvent: ({ id, event, data }) => events.push({ id, event, data }) });
  const decoder = new TextDecoder();
  let from = 0;
  for (const cut of [...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    parser.feed(decoder.decode(bytes.subarray(from, cut), { stream: true }));
    from = cut;
  }
  return events;
}

/** What UTF-8 cannot hold becomes U+FFFD; JSON.stringify escapes it, so that even that survives. */
const anyText = fc.string({ unit: 'binary' });
const anyNasty = fc.oneof(
  anyText,
  fc.constantFrom('\n\n', '\r\nid: 1\r\n', 'data: x\n\n', '\u2028\u2029', '\0', '\ufeff'),
);

describe('an entry as readers get it', () => {
  test('is the contract’s line, with Telegram’s update untouched', () => {
    expect(entryText(entry({}))).toBe(
      '{"seq":42,"type":"update.received","bot":"123","chat":"777","at":"2026-01-01T00:00:00.000Z","update":{"update_id":1}}',
    );
  });

  test('of no chat has null there; an empty body adds nothing', () => {
    const read: unknown = JSON.parse(entryText(entry({ chat: null, body: '{ }' })));
    const at = '2026-01-01T00:00:00.000Z';
    expect(read).toEqual({ seq: 42, type: 'update.received', bot: '123', chat: null, at });
  });

  test('no text breaks a frame: any comes back exactly, however the network cuts it', () => {
    fc.assert(
      fc.property(fc.array(anyNasty, { minLength: 1, maxLength: 4 }), fc.array(fc.nat()), (texts, cuts) => {
        const entries = texts.map((text, n) => entry({ seq: n + 1, body: JSON.stringify({ update: { text } }) }));
        const bytes = Buffer.concat(entries.map((e) => frameOf('s', e).sse));
        const events = parse(bytes, cuts);
        expect(events.map(({ id }) => id)).toEqual(entries.map(({ seq }) => `s.${seq}`));
        expect(events.map(({ data }) => JSON.parse(data).update.text)).toEqual(texts);
      }),
    );
  });

  test('any JSON value comes back as it was, in NDJSON as well, one line each', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (update) => {
        const frame = frameOf('s', entry({ body: JSON.stringify({ update }) }));
        const line = bytesOf(frame, 'ndjson').toString();
        expect(line.indexOf('\n')).toBe(line.length - 1);
        expect(JSON.parse(line).update).toEqual(JSON.parse(JSON.stringify(update)));
        expect(parse(frame.sse, [])[0]?.data).toBe(line.slice(0, -1));
      }),
    );
  });

  test('a body laid out over several lines is still one line', () => {
    const body = '{\n  "update": {\r\n    "text": "a\\nb"\n  }\n}';
    expect(entryText(entry({ body }))).not.toMatch(/[\r\n]/);
    expect(JSON.parse(entryText(entry({ body }))).update.text).toBe('a\nb');
  });
});

describe('the id of an event', () => {
  test('is read back as it was written, and nothing else is read', () => {
    expect(parseEventId(eventId('a-B_9', 0))).toEqual({ stream: 'a-B_9', seq: 0 });
    for (const wrong of ['', '5', 'a.', '.5', 'a.05', 'a.-1', 'a.1.2', 'a.1e3', ' a.1', 'a.1\n', 'a.99999999999999999'])
      expect(parseEventId(wrong), wrong).toBeNull();
  });

  test('is known to a client before its first event', () => {
    const ids: string[] = [];
    const events: string[] = [];
    const retries: number[] = [];
    createParser({
      onId: (id) => ids.push(id),
      onEvent: ({ event = '', id }) => events.push(`${event} ${id}`),
      onRetry: (ms) => retries.push(ms),
    }).feed(opening('sse', { stream: 's', first: 1, head: 9, after: 9, filtered: false }, 1500));
    expect(ids).toEqual(['s.9']);
    expect(events).toEqual(['stream.hello undefined']);
    expect(retries).toEqual([1500]);
  });
});

test('the types that can be filtered by are those of the journal', () => {
  expect(ENTRY_TYPES).toEqual([
    'update.received',
    'event.received',
    'timer.fired',
    'request.answered',
    'chat.moved',
    'chat.migrated',
    'chat.emitted',
    'chat.quarantined',
    'chat.resumed',
    'chat.erased',
    'message.accepted',
    'message.sent',
    'message.failed',
    'message.unknown',
    'message.canceled',
    'message.expired',
  ]);
});
