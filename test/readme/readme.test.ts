import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { machineEnv } from '../support/environment.ts';
import { makeQuarantined } from '../support/quarantined.ts';
import { blocksOf, patternOf } from './blocks.ts';
import { inTime } from './terminal.ts';
import { beginWalk } from './walk.ts';

/**
 * Every command of README.md is typed word for word, in order, into a shell a terminal; only the ports differ, and the
 * settings that the environment gives. `npm ci` and `npm test` are not run in here: CI's own run is exactly that.
 */

const ROOT = join(import.meta.dirname, '..', '..');
const blocks = blocksOf(readFileSync(join(ROOT, 'README.md'), 'utf8'));
const of = (section: string) => blocks.filter((block) => block.section === section);

const CHAT = 'Chat in the browser';
const WALK = 'A walk of five minutes';
const BOT = 'With a real bot';
const KEYS = 'Keys and roles';
const SANDBOX = 'The sandbox alone';
const BACKEND = 'A backend of your own';
const STILL = 'A chat that stands still';
const CONSOLE = 'The console';
const INSPECTOR = 'The inspector';
const DATA = 'The data folder';
/** Its program is run by client.test.ts. */
const EVENTS = 'Events';
/** The first page's two commands, which CI runs. */
const BY_CI = ['npm ci && npm start', 'npm ci && npm test'];

test('every block of the page is run or looked for by a test here', () => {
  const untested = blocks.filter(
    (block) =>
      block.language !== '' &&
      ![CHAT, WALK, BOT, SANDBOX, KEYS, EVENTS, BACKEND, STILL, CONSOLE, INSPECTOR, DATA].includes(block.section) &&
      !(block.section === 'Switchboard' && BY_CI.includes(block.lines.join('\n'))),
  );
  expect(untested).toEqual([]);
  const languages = (section: string) => [...new Set(of(section).map(({ language }) => language))].sort();
  for (const section of [CHAT, WALK, BOT, SANDBOX, KEYS, STILL, CONSOLE, INSPECTOR, DATA])
    expect(languages(section)).toEqual(['sh', 'text']);
  expect(languages(EVENTS)).toEqual(['js']);
  expect(languages(BACKEND)).toEqual(['http', 'json', 'sh', 'text']);
  expect(of('Switchboard').map(({ lines }) => lines.join('\n'))).toEqual(BY_CI);
});

test.concurrent('the walk, and a backup after it', async ({ onTestFinished, expect }) => {
  const walk = await beginWalk(onTestFinished);
  await walk.follow(of(WALK));
  const seen = [
    ...walk
      .terminal('2')
      .text()
      .matchAll(/^data: \{"seq":(\d+),/gm),
  ].map(([, seq]) => Number(seq));
  expect(seen.length).toBeGreaterThan(20);
  expect(seen, 'nothing is missing, and nothing comes twice').toEqual(seen.map((_, i) => i + 1));
  const types = [
    ...walk
      .terminal('3')
      .text()
      .matchAll(/"seq":\d+,"type":"([^"]*)"/g),
  ].map(([, type]) => type);
  expect(types, 'Ben reads what users write').toEqual(Array(3).fill('update.received'));

  await walk.follow(of(DATA));
  const copies = readdirSync(walk.folder).filter(
    (folder) => folder !== 'data' && existsSync(join(walk.folder, folder, 'switchboard.db')),
  );
  expect(copies).toHaveLength(1);
  const env = { ...machineEnv(), SWITCHBOARD_DATA: join(walk.folder, copies[0] ?? '') };
  const cli = ['--disable-warning=ExperimentalWarning', join(ROOT, 'src', 'cli.ts'), 'keys', 'list'];
  const keys = execFileSync(process.execPath, cli, { env, encoding: 'utf8', timeout: 200_000 });
  expect([...keys.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name)).toEqual([
    ...['ann', 'ben', 'billing', 'library'],
  ]);
});

test.concurrent('with a real bot, played by a sandbox', async ({ onTestFinished }) => {
  const sandbox = await createSandbox({ port: 0, clock: systemClock, random: Math.random });
  onTestFinished(() => sandbox.close());
  const walk = await beginWalk(onTestFinished, { TELEGRAM_API_ROOT: sandbox.url });
  const asked = of(BOT).flatMap(({ lines }) =>
    lines.flatMap((line) => /TELEGRAM_BOT_TOKEN=(\S+)/.exec(line)?.[1] ?? []),
  );
  let state = 'up';
  await walk.follow(of(BOT), async ({ language, lines }) => {
    const text = lines.join('\n');
    if (language === 'text' && text.includes('"kind":"conflict"')) {
      // The other program: its polls end Switchboard's, as often as it polls.
      const leave = new AbortController();
      onTestFinished(() => leave.abort());
      const poll = (): void => {
        if (leave.signal.aborted) return;
        fetch(`${sandbox.url}/bot${asked[0]}/getUpdates?timeout=50`, { signal: leave.signal }).then(poll, poll);
      };
      poll();
      state = 'degraded';
    }
    if (language === 'sh' && text.includes('/readyz'))
      await inTime(untilIngressIs(walk.url, state), () => `not ${state}`);
  });
});

test.concurrent.for([CHAT, KEYS, SANDBOX, CONSOLE, INSPECTOR])('%s', async (section, { onTestFinished }) => {
  const walk = await beginWalk(onTestFinished);
  await walk.follow(of(section));
});

test.concurrent('a chat that stands still, and goes on', async ({ onTestFinished }) => {
  const walk = await beginWalk(onTestFinished);
  await makeQuarantined(join(walk.folder, 'data'), ['777']);
  await walk.follow(of(STILL));
});

test.concurrent('a backend of your own', async ({ onTestFinished, expect }) => {
  const walk = await beginWalk(onTestFinished);
  const [accepted = '', declined = ''] = of(BACKEND).flatMap(({ language, lines }) =>
    language === 'json' ? lines : [],
  );
  const answers = [accepted, declined];
  const requests: { readonly head: string; readonly headers: IncomingHttpHeaders; readonly body: string }[] = [];
  const service = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const head = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
      requests.push({ head, headers: request.headers, body });
      response.setHeader('content-type', 'application/json').end(answers.shift());
    });
  });
  onTestFinished(async () => {
    service.closeAllConnections();
    service.close();
  });
  await new Promise<void>((resolve) => service.listen(walk.backendPort, '127.0.0.1', resolve));
  await walk.follow(of(BACKEND));

  await payByChat(walk.sandboxUrl, 777, 'Its number is P-1001');
  await payByChat(walk.sandboxUrl, 778, 'The account is closed');

  const [shown] = of(BACKEND).filter(({ language }) => language === 'http');
  const [, names = ''] = (shown?.lines ?? []).join('\n').match(/^.*\n([\s\S]*?)\n\n/) ?? [];
  const [request] = requests;
  const headers = names.split('\n').map((line) => line.split(':')[0] ?? '');
  const received = [request?.head, ...headers.map((name) => `${name}: ${request?.headers[name]}`), '', request?.body];
  expect(received.join('\n')).toMatch(patternOf(shown?.lines ?? []));
});

/** Resolves once /readyz says this of the part that polls. */
async function untilIngressIs(url: string, state: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/readyz`);
    if ((await response.text()).includes(`"ingress":{"state":"${state}"`)) return;
  }
}

/** A user of the sandbox pays, confirms, and is answered with `words`. */
async function payByChat(sandboxUrl: string, user: number, words: string): Promise<void> {
  const chat = `${sandboxUrl}/sandbox/bots/1:sandbox/chats/${user}`;
  const post = (path: string, body: object) => fetch(`${chat}/${path}`, { method: 'POST', body: JSON.stringify(body) });
  const untilShown = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const shown = await (await fetch(chat)).text();
      if (pattern.test(shown)) return shown;
    }
  };
  await post('messages', { text: '/pay 12.50 EUR @anna', from: { id: user, first_name: 'Mia' } });
  const asked = await inTime(untilShown(/"Confirm"/), () => 'the bot did not ask');
  const [, data = ''] = /"text":"Confirm","callback_data":"([^"]*)"/.exec(asked) ?? [];
  const [, question = ''] = [...asked.matchAll(/"message_id":(\d+)/g)].at(-1) ?? [];
  await post('callbacks', { message_id: Number(question), data });
  await inTime(untilShown(new RegExp(words)), () => `the bot did not say: ${words}`);
}
