import { createParser } from 'eventsource-parser';
import { createPulse, type Pulse } from './pulse.ts';

/** An event of the stream as it arrived. */
export interface Heard {
  readonly id: string;
  readonly type: string;
  /** JSON. */
  readonly data: string;
}

/** A reader of /v1/events that remembers all, and goes on after the last event it has heard. */
export interface Operator {
  /** Entries of the journal, in the order of arrival. */
  readonly entries: Heard[];
  /** stream.hello, stream.gap, stream.reset. */
  readonly controls: Heard[];
  /** Beats with each event; others may beat it too. */
  readonly pulse: Pulse;
  /** Reads until the stream ends: `ended` as the server meant it, or `broken` off. Rejects where it is refused. */
  read(url: string): Promise<'ended' | 'broken'>;
}

/** `query` is that of every read; those after the first resume. */
export function createOperator(key: string, query = '', pulse = createPulse()): Operator {
  const entries: Heard[] = [];
  const controls: Heard[] = [];
  let lastId = '';
  return {
    entries,
    controls,
    pulse,
    async read(url) {
      const parser = createParser({
        onEvent({ id, event = 'message', data }) {
          if (event.startsWith('stream.')) controls.push({ id: '', type: event, data });
          else {
            lastId = id ?? lastId;
            entries.push({ id: id ?? '', type: event, data });
          }
          pulse.beat();
        },
      });
      const headers = { authorization: `Bearer ${key}`, ...(lastId === '' ? {} : { 'last-event-id': lastId }) };
      const response = await fetch(`${url}/v1/events${query}`, { headers }).catch(() => null);
      if (response === null) return 'broken';
      if (!response.ok || response.body === null) throw new Error(`/v1/events answered ${response.status}`);
      try {
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) parser.feed(text);
        return 'ended';
      } catch {
        return 'broken';
      }
    },
  };
}
