import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { request } from 'node:http';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Bench, ratio } from './bench.ts';
import { cpuSOf, SHIPPED_FLAGS } from './process.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const MIB = 1024 * 1024;
/** What `/livez` may wait for while one client does its worst, ms. */
const WAIT_MAX_MS = 100;

/** One request of a client that means harm, sent `times` at once. */
interface Attack {
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
  readonly times?: number;
}

/** The longest wait of `/livez` beside each attack: on the façade and the API with an aggregator's key, on the sandbox without. */
export async function attacks({ folder, print }: Bench): Promise<void> {
  const env = { ...process.env, SWITCHBOARD_PORT: '0', SWITCHBOARD_SANDBOX_PORT: '0', SWITCHBOARD_DATA: folder };
  const flags = [...SHIPPED_FLAGS, CLI];
  const child = spawn(process.execPath, [...flags, 'start'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const { url, sandboxUrl } = await readyLine(child);
  const create = [...flags, 'keys', 'create', '--role', 'aggregator', '--name', 'attacker'];
  const { key } = JSON.parse(execFileSync(process.execPath, create, { env }).toString());
  const watch = new Worker(join(import.meta.dirname, 'livez-watch.ts'), { workerData: url });
  const longestMs = (): Promise<number> =>
    new Promise((resolve) => {
      watch.once('message', resolve);
      watch.postMessage(null);
    });
  for (const attack of attacksOn(url, sandboxUrl, key)) {
    // Each with the answer to what went before.
    await post({ ...attack, body: Buffer.alloc(0) }, key);
    await longestMs();
    const cpuS = cpuSOf(child.pid);
    const sent = Array.from({ length: attack.times ?? 1 }, () => post(attack, key));
    const statuses = new Set(await Promise.all(sent));
    const waited = `${ratio(await longestMs(), 'at most', WAIT_MAX_MS)} ms, CPU ${Math.round((cpuSOf(child.pid) - cpuS) * 1000)} ms`;
    print(`${attack.name}: ${[...statuses].join(', ')}`, waited);
  }
  await watch.terminate();
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('exit', resolve));
}

async function readyLine(child: ChildProcess): Promise<{ readonly url: string; readonly sandboxUrl: string }> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    const line = text.split('\n').find((one) => one.includes('"event":"ready"') && one.endsWith('}'));
    if (line !== undefined) {
      child.stdout?.resume();
      return JSON.parse(line);
    }
  }
  throw new Error('Switchboard did not start');
}

/** The status of the answer; what broke where there is none. */
function post({ path, type, body }: Attack, key: string): Promise<string> {
  const headers = {
    'content-type': type,
    authorization: `Bearer ${key}`,
    'idempotency-key': `attack-${Math.random()}`,
  };
  return new Promise((resolve) => {
    const call = request(path, { method: 'POST', headers, agent: false }, (response) => {
      response.resume().on('close', () => resolve(String(response.statusCode)));
    });
    call.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    call.end(body);
  });
}

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const MULTIPART_TYPE = 'multipart/form-data; boundary=x';

/** `unit` again and again, up to so many bytes, between a beginning and an end. */
const filled = (bytes: number, unit: string, begin = '', end = ''): Buffer =>
  Buffer.from(begin + unit.repeat(Math.floor((bytes - begin.length - end.length) / unit.length)) + end);

function attacksOn(url: string, sandboxUrl: string, key: string): Attack[] {
  const facade = `${url}/telegram/bot${key}`;
  const bot = `${sandboxUrl}/bot1:sandbox`;
  const control = `${sandboxUrl}/sandbox/bots/1:sandbox`;
  const media = '{"type":"photo","media":"a"},';
  const call = '{"method":"sendMediaGroup","chat_id":777,"media":[';
  const part = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n';
  return [
    { name: 'façade, 1 MiB of a&', path: `${facade}/sendMessage`, type: FORM_TYPE, body: filled(MIB, 'a&') },
    { name: 'façade, 1 MiB of %41&', path: `${facade}/sendMessage`, type: FORM_TYPE, body: filled(MIB, '%41&') },
    {
      name: 'façade, 1 MiB of []',
      path: `${facade}/sendMessage`,
      type: JSON_TYPE,
      body: filled(MIB, '[],', '{"chat_id":777,"text":[', '0]}'),
    },
    {
      name: 'façade, 1 MiB of items of media',
      path: `${facade}/sendMediaGroup`,
      type: JSON_TYPE,
      body: filled(MIB, '0,', '{"chat_id":777,"media":[', '0]}'),
    },
    {
      name: 'façade, 1 MiB of fields',
      path: `${facade}/sendMessage`,
      type: JSON_TYPE,
      body: Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 70_000 }, (_, n) => [`f${n}`, 0])))),
    },
    {
      name: 'façade, 1 MiB of parts',
      path: `${facade}/sendMessage`,
      type: MULTIPART_TYPE,
      body: filled(MIB, part, '', '--x--'),
    },
    {
      name: 'POST /v1/session, 1 MiB of fields, 20 at once',
      path: `${url}/v1/session`,
      type: JSON_TYPE,
      body: Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 70_000 }, (_, n) => [`f${n}`, 0])))),
      times: 20,
    },
    {
      name: 'POST /v1/messages, 1 MiB of items of media',
      path: `${url}/v1/messages`,
      type: JSON_TYPE,
      body: filled(MIB, media, call, '0]}'),
    },
    {
      name: 'POST /v1/messages/batch, 1,000 that are refused',
      path: `${url}/v1/messages/batch`,
      type: JSON_TYPE,
      body: Buffer.from(
        JSON.stringify({
          messages: Array.from({ length: 1000 }, (_, n) => ({ idempotency_key: `b${n}`, chat_id: 777, text: 0 })),
        }),
      ),
    },
    {
      name: 'POST /v1/messages/batch, 1 MiB of numbers',
      path: `${url}/v1/messages/batch`,
      type: JSON_TYPE,
      body: filled(MIB, '0,', '{"messages":[', '0]}'),
    },
    {
      name: 'POST /v1/messages, a text of 1 MiB',
      path: `${url}/v1/messages`,
      type: JSON_TYPE,
      body: filled(MIB, 'a', '{"chat_id":777,"text":"', '"}'),
    },
    {
      name: 'POST …/events, 1 MiB of []',
      path: `${url}/v1/chats/777/events`,
      type: JSON_TYPE,
      body: filled(MIB, '[],', '{"type":"a","list":[', '0]}'),
    },
    { name: 'sandbox, Bot API, 2 MB of a&', path: `${bot}/sendMessage`, type: FORM_TYPE, body: filled(2 * MIB, 'a&') },
    {
      name: 'sandbox, Bot API, 20 MB of parts',
      path: `${bot}/sendMessage`,
      type: MULTIPART_TYPE,
      body: filled(20 * MIB, part, '', '--x--'),
    },
    {
      name: 'sandbox, Bot API, 50 MB of []',
      path: `${bot}/sendMessage`,
      type: JSON_TYPE,
      body: filled(50 * MIB, '[],', '{"text":[', '0]}'),
    },
    {
      name: 'sandbox, Bot API, a file of 50 MB',
      path: `${bot}/sendDocument`,
      type: MULTIPART_TYPE,
      body: filled(
        50 * MIB,
        'a',
        '--x\r\ncontent-disposition: form-data; name="chat_id"\r\n\r\n777\r\n--x\r\ncontent-disposition: form-data; name="document"; filename="a"\r\n\r\n',
        '\r\n--x--',
      ),
    },
    {
      name: 'sandbox, Bot API, a Markdown address without an end',
      path: `${bot}/sendMessage`,
      type: FORM_TYPE,
      body: filled(110, '\\a', 'parse_mode=MarkdownV2&chat_id=777&text=[x]('),
    },
    {
      name: 'sandbox, control, 50 MB of []',
      path: `${control}/updates`,
      type: JSON_TYPE,
      body: filled(50 * MIB, '[],', '{"list":[', '0]}'),
    },
    {
      name: 'sandbox, control, a text of 40 MB',
      path: `${control}/chats/777/messages`,
      type: JSON_TYPE,
      body: filled(40 * MIB, 'a', '{"text":"', '"}'),
    },
  ];
}
