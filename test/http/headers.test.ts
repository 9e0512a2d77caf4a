import { once } from 'node:events';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createSandbox } from '../../src/sandbox/sandbox.ts';
import { json, startEdge } from './edge.ts';

/** What is not described in /openapi.json. */
const HIDDEN = [
  ...[
    'GET /',
    'GET /console',
    'GET /client.js',
    'GET /assets/theme.css',
    'GET /docs/',
    'GET /docs/json',
    'GET /openapi.json',
  ],
  ...['GET /docs', 'GET /docs/static/swagger-ui.css', 'GET /docs/static/theme/theme.css', 'GET /nowhere', 'PUT /livez'],
  ...['POST /v1/sandbox/control/users', 'GET /inspector/stately', 'GET /%E0%A4%A', 'POST /telegram/botKEY/getMe'],
  ...['GET /telegram/botKEY/nothing', 'GET /telegram/file/botKEY/x', 'GET /telegram/botKEY/%E0%A4%A'],
];
/** The same for everybody, so that a browser may keep them and ask whether they have changed. */
const KEPT = /^GET \/(?:console|client\.js|assets\/.*|docs\/static\/swagger-ui.*)?$/;

test('no answer is kept by a cache or taken for what it is not: every address, with a key and without', async () => {
  const sandbox = await createSandbox({ port: 0, clock: systemClock, random: Math.random });
  const playground = sandbox.playground('1:sandbox') ?? undefined;
  const pages = [{ name: 'console', title: 'Console' }] as const;
  const edge = await startEdge({ pages, inspect: true, console: true, ...(playground ? { playground } : {}) });
  const { paths } = Object(await json(await edge.get('/openapi.json', {})));
  const described = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '1')}`),
  );
  expect(described.length).toBeGreaterThan(40);
  for (const route of [...described, ...HIDDEN])
    for (const headers of [{}, edge.admin.header]) {
      const [method = '', path = ''] = route.split(' ');
      const abort = new AbortController();
      const init = { method, headers, redirect: 'manual', signal: abort.signal } as const;
      const answer = await fetch(edge.url + path.replace('KEY', edge.admin.text), init);
      const found = [answer.headers.get('cache-control'), answer.headers.get('x-content-type-options')];
      const what = `${route} ${answer.status}`;
      if (KEPT.test(route))
        expect(found, what).toEqual([expect.stringMatching(/^(no-cache|public, max-age=0)$/), 'nosniff']);
      else expect(found, what).toEqual([expect.stringMatching(/^no-store(, no-transform)?$/), 'nosniff']);
      abort.abort();
    }
  await sandbox.close();
});

test('neither is the answer to what is no HTTP', async () => {
  const { url } = await startEdge();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write('this is no HTTP\r\n\r\n');
  expect(await textOf(socket)).toMatch(/\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n/);
});
