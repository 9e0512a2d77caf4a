import { createServer } from 'node:http';
import { chatOf, updateText } from './update-text.ts';

/**
 * A Bot API server for load, in a process of its own: it serves batches made beforehand, so that what is measured is
 * the reader. Tells its parent the address first; `{ mode: 'burst', … }` or `{ mode: 'paced', … }` comes from the
 * parent, and again once that is done; `{ begun }` goes back with the first poll, `{ done, ms, updates }` once the last update has been confirmed.
 */
export type LoadOrder =
  | {
      readonly mode: 'burst';
      readonly updates: number;
      readonly chats: number;
      /** The first chat's id. */
      readonly firstChat?: number;
    }
  | { readonly mode: 'paced'; readonly perS: number; readonly seconds: number }
  /** `begun` and `done` tell of the first and the last of so many sendMessage. There are updates for who replies to them. */
  | { readonly mode: 'sends'; readonly sends: number; readonly updates: number; readonly chats: number };
export type LoadReport =
  | { readonly url: string }
  | { readonly begun: true }
  | { readonly done: true; readonly ms: number; readonly updates: number };

const BATCH = 100;

interface Source {
  /** The answer's body for this offset; null: nothing yet. */
  take(offset: number): Buffer | string | null;
}

let source: Source = { take: () => null };
/** Counts messages sent, where that is what is measured. */
let sends: { readonly wanted: number; count: number; begunAt: number } | null = null;

/** A sent message as Telegram answers it, about 250 bytes. */
function sent(): string {
  if (sends === null) return '{"ok":true,"result":true}';
  sends.count += 1;
  if (sends.count === 1) {
    sends.begunAt = performance.now();
    process.send?.({ begun: true } satisfies LoadReport);
  }
  if (sends.count === sends.wanted)
    process.send?.({ done: true, ms: performance.now() - sends.begunAt, updates: sends.wanted } satisfies LoadReport);
  return `{"ok":true,"result":{"message_id":${sends.count},"from":{"id":1,"is_bot":true,"first_name":"Load","username":"load_bot"},"chat":{"id":1000000000,"first_name":"Anneliese","type":"private"},"date":1767225600,"text":"Your order is on its way and will be with you tomorrow"}}`;
}
/** Polls that wait, and the offset that each asked for. */
const waiting = new Map<(body: Buffer | string) => void, number>();
/** Ids go on from order to order, and after what the reader has read in an earlier life. */
let lastId = 0;
const EMPTY = '{"ok":true,"result":[]}';

function burst({ updates, chats, firstChat }: Extract<LoadOrder, { mode: 'burst' }>): Source {
  const first = lastId + 1;
  lastId += updates;
  const batches = Array.from({ length: Math.ceil(updates / BATCH) }, (_, n) => {
    const size = Math.min(BATCH, updates - n * BATCH);
    const items = Array.from({ length: size }, (_, k) =>
      updateText(first + n * BATCH + k, chatOf(n * BATCH + k, chats, firstChat), 'Hello, is anybody there?'),
    );
    return Buffer.from(`{"ok":true,"result":[${items.join(',')}]}`);
  });
  let begunAt = 0;
  let over = false;
  return {
    take(offset) {
      if (begunAt === 0) {
        begunAt = performance.now();
        if (sends === null) process.send?.({ begun: true } satisfies LoadReport);
      }
      const batch = batches[Math.floor((Math.max(offset, first) - first) / BATCH)];
      if (batch !== undefined) return batch;
      if (!over && sends === null)
        process.send?.({ done: true, ms: performance.now() - begunAt, updates } satisfies LoadReport);
      over = true;
      return null;
    },
  };
}

const PACED_CHATS = 1000;

/** Updates by the clock; each text says when it was made (process.hrtime, the same for all processes here). */
function paced(perS: number, seconds: number): Source {
  const begunAt = performance.now();
  const total = perS * seconds;
  let made: string[] = [];
  let count = 0;
  let over = false;
  const timer = setInterval(() => {
    const wanted = Math.min(total, Math.floor(((performance.now() - begunAt) / 1000) * perS));
    for (; count < wanted; count += 1) {
      lastId += 1;
      made.push(updateText(lastId, chatOf(lastId, PACED_CHATS), `at ${process.hrtime.bigint()};`));
    }
    answerWaiting();
  }, 2);
  return {
    take() {
      if (made.length > 0) {
        const body = `{"ok":true,"result":[${made.slice(0, BATCH).join(',')}]}`;
        made = made.slice(BATCH);
        return body;
      }
      if (count === total && !over) {
        over = true;
        clearInterval(timer);
        process.send?.({ done: true, ms: performance.now() - begunAt, updates: total } satisfies LoadReport);
      }
      return null;
    },
  };
}

function answerWaiting(): void {
  for (const [answer, offset] of waiting) {
    const body = source.take(offset);
    if (body === null) return;
    waiting.delete(answer);
    answer(body);
  }
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const method = request.url?.split('/').at(-1)?.split('?')[0];
    const answer = (body: Buffer | string) => response.end(body);
    response.setHeader('content-type', 'application/json');
    if (method === 'sendMessage') return answer(sent());
    if (method !== 'getUpdates') {
      const me = { id: 1, is_bot: true, first_name: 'Load', username: 'load_bot', can_join_groups: true };
      answer(JSON.stringify({ ok: true, result: method === 'getMe' ? me : true }));
      return;
    }
    const { offset = 0, timeout = 0 } = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    lastId = Math.max(lastId, offset - 1);
    const body = source.take(offset);
    if (body !== null) return answer(body);
    waiting.set(answer, offset);
    const timer = setTimeout(() => waiting.delete(answer) && answer(EMPTY), Math.max(timeout, 1) * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      waiting.delete(answer);
    });
  });
});

process.on('message', (order: LoadOrder) => {
  if (order.mode === 'sends') sends = { wanted: order.sends, count: 0, begunAt: 0 };
  source = order.mode === 'paced' ? paced(order.perS, order.seconds) : burst({ ...order, mode: 'burst' });
  answerWaiting();
});
process.on('disconnect', () => process.exit());
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  process.send?.({ url: `http://127.0.0.1:${port}` } satisfies LoadReport);
});
