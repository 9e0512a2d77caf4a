/** A server-sent event. */
export interface ServerEvent {
  /** Null: it has none, and the last one stands. */
  readonly id: string | null;
  readonly type: string;
  /** '': nothing but an id is told. */
  readonly data: string;
}

/** The events of a stream whose lines end with \n, as Switchboard's do. Throws what reading the stream throws. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let id: string | null = null;
  let type = 'message';
  let data: string[] = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const [end = '', ...lines] = decoder.decode(value, { stream: true }).split('\n');
      // What came before is not looked through again: a long line comes in many pieces.
      lines.unshift(rest + end);
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line === '') {
          if (id !== null || data.length > 0) yield { id, type, data: data.join('\n') };
          [id, type, data] = [null, 'message', []];
          continue;
        }
        const colon = line.indexOf(':');
        const [field, text] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
        if (field === 'id') id = text;
        else if (field === 'event') type = text;
        else if (field === 'data') data.push(text);
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
