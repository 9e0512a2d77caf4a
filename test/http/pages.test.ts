import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { Page } from '../../src/http/pages.ts';
import { startEdge } from './edge.ts';

const PAGES: readonly Page[] = [
  { name: 'sandbox', title: 'Sandbox' },
  { name: 'console', title: 'Console' },
  { name: 'inspector', title: 'Inspector', styles: ['sequence.css'] },
];

/** This file as a path of an address. */
const HERE = pathToFileURL(import.meta.filename).pathname;

/** A GET of a path as it stands: fetch would take `..` out of it. */
async function raw(url: string, path: string) {
  const asked = request(url, { path }).end();
  const [response]: IncomingMessage[] = await once(asked, 'response');
  let text = '';
  for await (const part of response ?? []) text += part;
  return { status: response?.statusCode, text };
}

test('in a page runs what this process serves and nothing else; nothing frames it, and it asks nobody else', async () => {
  const edge = await startEdge({ pages: PAGES });
  for (const { name } of PAGES) {
    const answer = await edge.get(`/${name}`, {});
    const text = await answer.text();
    const scripts = [...text.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)];
    // The one script that is written out is the map of names, and the policy knows it by its hash.
    const [inline, ...more] = scripts.filter(([, attributes = '']) => !attributes.includes('src='));
    expect([inline?.[1], more]).toEqual([' type="importmap"', []]);
    const hash = createHash('sha256').update(String(inline?.[2])).digest('base64');
    expect(Object.fromEntries(answer.headers), name).toMatchObject({
      'content-security-policy': [
        "default-src 'none'",
        `script-src 'self' 'sha256-${hash}'`,
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join('; '),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(text, name).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:|(?:src|href)="(?!assets\/)/);

    // What it loads is there, under the same policy.
    const loads = [...text.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path = '']) => `/${path}`);
    expect(loads.length).toBeGreaterThan(3);
    for (const path of loads) {
      const file = await edge.get(path, {});
      expect(file.status, path).toBe(200);
      expect(file.headers.get('content-security-policy'), path).toBe(answer.headers.get('content-security-policy'));
      expect(file.headers.get('x-content-type-options'), path).toBe('nosniff');
    }
  }
});

test('a page that is not served is not there, and asks for no key where it is', async () => {
  const edge = await startEdge({ pages: PAGES.slice(1, 2) });
  const statuses = await Promise.all(PAGES.map(async ({ name }) => (await edge.get(`/${name}`, {})).status));
  expect(statuses).toEqual([404, 200, 404]);
});

test('under /assets/ lie the files of the pages and of their libraries, and no way leads out of them', async () => {
  const { url } = await startEdge({ pages: PAGES });
  for (const path of ['theme.css', 'console/main.ts', 'npm/preact/dist/preact.mjs', 'npm/uplot/dist/uPlot.min.css'])
    expect((await raw(url, `/assets/${path}`)).status, path).toBe(200);
  for (const path of [
    '../main.ts',
    '..%2fmain.ts',
    '%2e%2e/main.ts',
    '..\\main.ts',
    './../main.ts',
    'console/../../main.ts',
    'console/%2e%2e/%2e%2e/main.ts',
    'console/..;/../../main.ts',
    '../../config/schema.ts',
    `..${HERE}`,
    HERE,
    `/${HERE}`,
    'console/main.ts%00.css',
    'console/main.ts/',
    // Libraries alone, and each within its own folder.
    'npm/xstate/dist/xstate.esm.js',
    'npm/preact/../xstate/dist/xstate.esm.js',
    'npm/preact/%2e%2e/xstate/dist/xstate.esm.js',
    'npm/../npm/preact/dist/preact.mjs',
    'npm/preact/../../src/main.ts',
    'npm/preactive/index.js',
    // Not what a page loads.
    'npm/preact/package.json',
    'tsconfig.json',
    'console',
    'console/',
    '',
    '.',
    '..',
  ]) {
    const { status, text } = await raw(url, `/assets/${path}`);
    expect(status, path).toBe(404);
    expect(text, path).toContain('"code":"not_found"');
  }
});

test('the start page names the pages that are served, and no others; it runs nothing', async () => {
  const edge = await startEdge({ pages: PAGES.filter(({ name }) => name === 'console') });
  const browser = await edge.get('/', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
  expect(browser.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(browser.headers.get('content-security-policy')).toContain("default-src 'none'");
  const text = await browser.text();
  expect([...text.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, address]) => address)).toEqual(['console', 'docs']);
  expect(text).not.toContain('<script');
  const program = await edge.get('/', { accept: '*/*' });
  expect(Object(await program.json()).pages).toEqual({ console: 'console' });
});
