import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manualClock } from '../support/clock.ts';
import { createPulse } from '../system/pulse.ts';
import { startEdge } from './edge.ts';

/** Any string there can be: halves of a surrogate pair too, and what would end a line or a frame of an event stream. */
const anyText = fc.oneof(
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) }),
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n\r\n',
        '\0',
        '\u2028',
        '\u2029',
        '\u0085',
        '\ufeff',
        '\ud800',
        '\udc00',
        'id: x.1\n',
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join('data: ')),
);

/** Reads a stream as it arrives; gives the `text` of each entry. */
function reader(body: AsyncIterable<Uint8Array>, format: 'sse' | 'ndjson') {
  const pulse = createPulse();
  const texts: string[] = [];
  const types = new Set<string>();
  const take = (data: string): void => {
    const { type, update } = JSON.parse(data);
    types.add(type);
    if (update !== undefined) texts.push(update.text);
    pulse.beat();
  };
  const parser = createParser({ onEvent: ({ data }) => take(data) });
  let rest = '';
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const text = decoder.decode(chunk, { stream: true });
      if (format === 'sse') parser.feed(text);
      else {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) take(line);
      }
    }
  })();
  return { pulse, texts, types };
}

test.each(['sse', 'ndjson'] as const)(
  'any text comes through an entry exactly as it was, and nothing else with it: %s',
  async (format) => {
    // Its clock stands still: no heartbeat comes between.
    const edge = await startEdge({ clock: manualClock() });
    const accept = format === 'sse' ? 'text/event-stream' : 'application/x-ndjson';
    const response = await edge.get('/v1/events', { ...edge.admin.header, accept });
    if (response.body === null) throw new Error('no stream');
    const { pulse, texts, types } = reader(response.body, format);
    const comesThrough = async (some: readonly string[]): Promise<void> => {
      const from = texts.length;
      await edge.journal.write(async (tx) => {
        for (const text of some)
          tx.append({ type: 'update.received', chat: '7', body: JSON.stringify({ update: { text } }) });
      });
      await pulse.until(() => texts.length >= from + some.length, 'the texts');
      expect(texts.slice(from)).toEqual(some);
    };
    await fc.assert(fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 5 }), comesThrough), {
      numRuns: 200,
    });
    await comesThrough(['\u2028\r\n\0😀\ud83d'.repeat(50_000), 'x'.repeat(300_000)]);
    expect([...types].sort()).toEqual(['stream.hello', 'update.received']);
  },
);
