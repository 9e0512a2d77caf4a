import { Pool } from 'undici';

/** A request to Switchboard: its path and its body. */
export interface Post {
  readonly path: string;
  readonly key: string;
  readonly body: string;
}

const BATCH = 1000;

const messageOf = (n: number, chats: number) => ({
  chat_id: 1_000_000_000 + ((n * 7919) % chats),
  text: `Message ${n}: your order is on its way and will be with you tomorrow`,
});

/** So many messages in batches. */
export const batchOf = (count: number, chats: number): Post[] =>
  Array.from({ length: count / BATCH }, (_, n) => ({
    path: '/v1/messages/batch',
    key: '',
    body: JSON.stringify({
      messages: Array.from({ length: BATCH }, (_, k) => ({
        ...messageOf(n * BATCH + k, chats),
        idempotency_key: `batch-${n}-${k}`,
      })),
    }),
  }));

/** So many messages, each alone. */
export const singleOf = (count: number, chats: number): Post[] =>
  Array.from({ length: count }, (_, n) => ({
    path: '/v1/messages',
    key: `single-${n}`,
    body: JSON.stringify(messageOf(n, chats)),
  }));

/** Posts them, so many at once. Throws where one is not accepted. */
export async function postAll(
  edge: { readonly url: string; readonly key: string },
  posts: readonly Post[],
  atOnce: number,
): Promise<void> {
  const pool = new Pool(edge.url, { connections: atOnce });
  let next = 0;
  const work = async (): Promise<void> => {
    for (let post = posts[next++]; post !== undefined; post = posts[next++]) {
      const { statusCode, body } = await pool.request({
        path: post.path,
        method: 'POST',
        headers: {
          authorization: `Bearer ${edge.key}`,
          'content-type': 'application/json',
          ...(post.key === '' ? {} : { 'idempotency-key': post.key }),
        },
        body: post.body,
      });
      const text = await body.text();
      if (statusCode >= 300 || text.includes('"error"')) throw new Error(`${statusCode} ${text.slice(0, 500)}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  await pool.close();
}
