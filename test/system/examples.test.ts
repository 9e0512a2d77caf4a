import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { systemClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { WRITE_METHODS } from '../../src/telegram/methods.ts';
import { createKey, freeEnv } from '../cli/support.ts';

const TOKEN = '4242:a-token-of-the-test-of-the-examples-';
const PNG = Buffer.from('89504e470d0a1a0a0000000d494844520000000300000002', 'hex');
const CONFIG = join(import.meta.dirname, '..', '..', 'config');

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into field by field, and a wrong one fails the test
type Json = any;
const json = async (response: Response): Promise<Json> => JSON.parse(await response.text());

/** A Switchboard with a backend's key, its sandbox, and the web server that the examples fetch their files from. */
async function setUp() {
  const sandbox = await createSandbox({ port: 0, clock: systemClock, random: Math.random, flood: 'off' });
  onTestFinished(() => sandbox.close());
  const files = createServer((_, response) => response.end(PNG)).listen(0, '127.0.0.1');
  onTestFinished(() => void files.close().closeAllConnections());
  await once(files, 'listening');
  const env = { ...freeEnv(), TELEGRAM_BOT_TOKEN: TOKEN, TELEGRAM_API_ROOT: sandbox.url };
  const { key } = await createKey(env, 'backend');
  const settings = loadSettings(CONFIG, env);
  const outbox = { ...settings.outbox, chatPerS: 1000, chatBurst: 1000, overallPerS: 1000, overallBurst: 1000 };
  const nobody = { private: null, group: null, channel: null };
  const running = await startSwitchboard(
    { ...settings, outbox, conversations: nobody },
    createLog('silent', process.stdout),
  );
  onTestFinished(() => running.stop());

  const bot = async (method: string, body: object) =>
    (
      await json(
        await fetch(`${sandbox.url}/bot${TOKEN}/${method}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      )
    ).result;
  const user = async (path: string, body: object) =>
    json(await fetch(`${sandbox.url}/sandbox/bots/${TOKEN}/${path}`, { method: 'POST', body: JSON.stringify(body) }));
  const web = `http://127.0.0.1:${(files.address() as AddressInfo).port}/`;
  const authorization = `Bearer ${key}`;
  const post = (path: string, body: string | FormData, headers: Record<string, string> = {}) =>
    fetch(running.url + path, { method: 'POST', body, headers: { authorization, ...headers } });
  const get = async (path: string) => json(await fetch(running.url + path, { headers: { authorization } }));
  await user('chats/777/messages', { text: 'hello' });
  return { running, bot, user, web, post, get, faults: (fault: object) => user('faults', fault) };
}

type World = Awaited<ReturnType<typeof setUp>>;

/** An example in this world: its web server, a message and a button press that are there. */
async function madeReal({ bot, user, web }: World, example: Json): Promise<string> {
  const real = { ...example };
  if ('message_id' in real) {
    const photo = real.method === 'editMessageCaption';
    const sent = photo
      ? await bot('sendPhoto', { chat_id: 777, photo: `${web}x.png` })
      : await bot('sendMessage', { chat_id: 777, text: 'a message that is there' });
    real.message_id = sent.message_id;
  }
  if ('callback_query_id' in real) {
    const { message_id } = await bot('sendMessage', { chat_id: 777, text: 'a message with a button' });
    real.callback_query_id = (await user('chats/777/callbacks', { message_id, data: 'x' })).callback_query_id;
  }
  return JSON.stringify(real).replaceAll('https://example.com/', web);
}

/** What /openapi.json says of the bodies of a POST. */
async function bodiesOf({ running }: World, path: string, type = 'application/json'): Promise<Json> {
  const { paths } = await json(await fetch(`${running.url}/openapi.json`));
  const { schema, example, examples = {} } = paths[path].post.requestBody.content[type];
  const named = Object.values<Json>(examples).map(({ value }) => value);
  return { ...schema, examples: example === undefined ? named : [example] };
}

describe('the examples of the description are accepted, and their messages sent', () => {
  test('each of every method, posted', async () => {
    const world = await setUp();
    const examples: Json[] = (await bodiesOf(world, '/v1/messages')).anyOf.flatMap((body: Json) => body.examples);
    expect(examples.map(({ method }) => method)).toEqual(Object.keys(WRITE_METHODS));
    for (const example of examples) {
      const body = await madeReal(world, example);
      const headers = { 'content-type': 'application/json', 'idempotency-key': `example-${example.method}` };
      const accepted = await world.post('/v1/messages', body, headers);
      expect([example.method, accepted.status]).toEqual([example.method, 202]);
      const { id } = await json(accepted);
      expect(await world.get(`/v1/messages/${id}?wait=50`)).toMatchObject({ method: example.method, status: 'sent' });
    }
  });

  test('of a form: what begins with @ is a file', async () => {
    const world = await setUp();
    const { examples } = await bodiesOf(world, '/v1/messages', 'multipart/form-data');
    expect(examples).toHaveLength(1);
    const form = new FormData();
    for (const [name, value] of Object.entries<string>(examples[0])) {
      form.set(name, value.startsWith('@') ? new File([PNG], value.slice(1)) : value);
    }
    const accepted = await world.post('/v1/messages', form, { 'idempotency-key': 'form' });
    expect(accepted.status).toBe(202);
    const { id } = await json(accepted);
    expect(await world.get(`/v1/messages/${id}?wait=50`)).toMatchObject({ method: 'sendDocument', status: 'sent' });
  });

  test('of a batch, and of what is decided about messages of unknown fate', async () => {
    const world = await setUp();
    const headers = { 'content-type': 'application/json' };
    const [batch] = (await bodiesOf(world, '/v1/messages/batch')).examples;
    const { messages } = await json(await world.post('/v1/messages/batch', JSON.stringify(batch), headers));
    expect(messages).toHaveLength(batch.messages.length);
    for (const { id } of messages) {
      expect(await world.get(`/v1/messages/${id}?wait=50`)).toMatchObject({ status: 'sent' });
    }
    const resolutions: Json[] = (await bodiesOf(world, '/v1/messages/{id}/resolve')).examples;
    expect(resolutions.length).toBe(3);
    for (const [i, resolution] of resolutions.entries()) {
      await world.faults({ method: 'sendMessage', kind: 'lost_answer' });
      const keyed = { ...headers, 'idempotency-key': `lost-${i}` };
      const { id } = await json(await world.post('/v1/messages', '{"chat_id":777,"text":"lost"}', keyed));
      expect(await world.get(`/v1/messages/${id}?wait=50`)).toMatchObject({ status: 'unknown' });
      const resolved = await world.post(`/v1/messages/${id}/resolve`, JSON.stringify(resolution), headers);
      expect(resolved.status).toBe(200);
      const status = resolution.as === 'failed' ? 'failed' : 'sent';
      expect(await world.get(`/v1/messages/${id}?wait=50`)).toMatchObject({ status });
    }
  });
});

/** What a schema may be: itself, or each branch of its unions; and what the items of its lists may be. */
const formsOf = (schema: Json): Json[] => {
  const { anyOf, oneOf, ...own } = schema;
  const branches: Json[] = [...(anyOf ?? []), ...(oneOf ?? [])];
  if (branches.length > 0) return branches.flatMap(formsOf);
  const items = Object.values<Json>(own.properties ?? {}).flatMap((field) => field.items ?? []);
  return [own, ...items.flatMap(formsOf).filter(({ type }) => type === 'object')];
};

test('every body is described, in each of its forms, down to its fields', async () => {
  const world = await setUp();
  const { paths } = await json(await fetch(`${world.running.url}/openapi.json`));
  const bodies = Object.entries<Json>(paths).flatMap(([path, operations]) =>
    Object.entries<Json>(operations).flatMap(([method, { requestBody }]) =>
      Object.entries<Json>(requestBody?.content ?? {}).flatMap(([type, { schema }]) =>
        formsOf(schema).map((form, n) => ({ name: `${method} ${path} ${type} ${n}`, form })),
      ),
    ),
  );
  expect(bodies.length).toBeGreaterThan(Object.keys(WRITE_METHODS).length);
  for (const { name, form } of bodies) {
    const fields: [string, Json][] = Object.entries(form.properties ?? {});
    expect([name, fields.length > 0]).toEqual([name, true]);
    // A field without a type could be anything.
    const vague = fields.filter(([, field]) => !TELLING.some((keyword) => keyword in field)).map(([field]) => field);
    expect([name, vague]).toEqual([name, []]);
  }
});

const TELLING = ['type', 'anyOf', 'oneOf', 'allOf', 'enum', 'const', '$ref'];
