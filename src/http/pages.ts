import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { SwitchboardError } from '../errors.ts';
import type { App } from './app.ts';
import { clientModule } from './client-module.ts';
import { createPageModules, IMPORT_MAP } from './page-modules.ts';
import { type PageName, startAnswer, startDocument } from './start-page.ts';

/** A page that is served: its address, its title and the module that draws it (src/web/<name>/main.ts). */
export interface Page {
  readonly name: PageName;
  readonly title: string;
  /** Style sheets beside its page.css. */
  readonly styles?: readonly string[];
}

const hash = createHash('sha256').update(IMPORT_MAP).digest('base64');

/**
 * Only what this process serves may run or be asked for; nothing may frame a page. Texts of users are drawn as text,
 * and this is the second lock on the door. What is written out in the page is known by its hash.
 */
export const policyOf = ({ scripts = [], styles = [] }: { scripts?: string[]; styles?: string[] }): string =>
  [
    "default-src 'none'",
    ["script-src 'self'", ...scripts].join(' '),
    ["style-src 'self'", ...styles].join(' '),
    "img-src 'self' blob: data:",
    "media-src 'self' blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/** What every page answers with beside its policy. */
export const PAGE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const HEADERS = { 'content-security-policy': policyOf({ scripts: [`'sha256-${hash}'`] }), ...PAGE_HEADERS };

/**
 * The pages and the modules that they load, and the operators' client for programs of others. All are the same for
 * everybody: what is secret comes over the API.
 */
export function pageRoutes(app: App, pages: readonly Page[]): void {
  const modules = createPageModules();
  app.get('/', { schema: { hide: true } }, async (request, reply) => {
    reply.headers({ ...HEADERS, 'cache-control': 'no-cache', vary: 'accept' });
    if (!/\btext\/html\b/.test(request.headers.accept ?? '')) return startAnswer(pages);
    return reply.type('text/html; charset=utf-8').send(startDocument(pages));
  });
  for (const page of pages) {
    app.get(`/${page.name}`, { schema: { hide: true } }, async (_request, reply) => {
      return reply
        .headers({ ...HEADERS, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
        .send(documentOf(page, pages));
    });
  }
  let client: string | null = null;
  app.get('/client.js', { schema: { hide: true } }, async (_request, reply) => {
    client ??= clientModule();
    return reply
      .headers({ ...HEADERS, 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache' })
      .send(client);
  });
  app.get('/assets/*', { schema: { hide: true } }, async (request, reply): Promise<FastifyReply> => {
    const module = await modules.load(request.url.slice('/assets/'.length).split('?')[0] ?? '');
    if (module === null) throw new SwitchboardError('not_found', 'There is no such file');
    reply.headers({ ...HEADERS, 'content-type': module.type, 'cache-control': 'no-cache', etag: module.etag });
    if (request.headers['if-none-match'] === module.etag) return reply.code(304).send();
    return reply.send(module.text);
  });
}

/** Its addresses are relative: a proxy may serve it below a path of its own. */
const documentOf = ({ name, title, styles = [] }: Page, pages: readonly Page[]): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Switchboard</title>
<link rel="icon" href="assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="assets/theme.css">
${['page.css', ...styles].map((file) => `<link rel="stylesheet" href="assets/${name}/${file}">`).join('\n')}
<script type="importmap">${IMPORT_MAP}</script>
<script type="module" src="assets/${name}/main.ts"></script>
</head>
<body data-pages="${pages.map((page) => page.name).join(' ')}"><div id="page"></div><noscript>This page needs JavaScript.</noscript></body>
</html>
`;
