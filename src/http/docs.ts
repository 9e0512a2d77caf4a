import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from './app.ts';
import { PAGE_HEADERS, policyOf } from './pages.ts';
import { ProblemSchema } from './schemas.ts';

const WEB = join(import.meta.dirname, '..', 'web');
/** In Swagger UI's logo, which the page draws before it puts ours in its place. */
const LOGO_STYLE = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='";
const ICON = { type: 'image/svg+xml', content: readFileSync(join(WEB, 'icon.svg'), 'utf8') };

/** Describes every route as it is added after this: `/openapi.json`, and `/docs` to read it. */
export async function describeRoutes(app: App): Promise<void> {
  const [description, below] = [
    asText(() => app.swagger()),
    asText(() => ({ ...app.swagger(), servers: [{ url: '..' }] })),
  ];
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Switchboard',
        version: '1',
        description:
          'One Telegram bot: its journal to read, and its messages to post. Keys: `Authorization: Bearer <key>`.',
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url, route }) => {
      const described = { ...schema, response: { ...responsesOf(schema), default: PROBLEM_RESPONSE } };
      return { url, schema: route.config?.scope === undefined ? described : { ...described, security: [{ key: [] }] } };
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiHooks: {
      onRequest: async (request, reply) => {
        reply.headers(PAGE_HEADERS);
        // Its addresses are relative only from `/docs/`, and a proxy may serve it below a path of its own.
        return request.url === '/docs' ? reply.redirect('docs/') : undefined;
      },
      // In place of its own answers, which it makes anew for everybody who asks. JSON is YAML.
      preHandler: async ({ routeOptions: { url } }, reply) => {
        if (url === '/docs/json') return reply.type(JSON_TYPE).send(below());
        return url === '/docs/yaml' ? reply.type('application/x-yaml').send(below()) : undefined;
      },
    },
    staticCSP: policyOf({ styles: [LOGO_STYLE] }),
    logo: ICON,
    theme: {
      title: 'HTTP API · Switchboard',
      css: ['theme.css', 'docs/page.css'].map((file) => ({
        filename: file.replace('/', '-'),
        content: readFileSync(join(WEB, file), 'utf8'),
      })),
      favicon: [{ ...ICON, filename: 'icon.svg', rel: 'icon', sizes: 'any' }],
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type(JSON_TYPE).send(description()),
  );
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** The JSON of what `make` gives, made at the first call: by then all routes are there. */
function asText(make: () => object): () => Buffer {
  let text: Buffer | null = null;
  return () => {
    text ??= Buffer.from(JSON.stringify(make()));
    return text;
  };
}

const PROBLEM_RESPONSE = {
  description: 'RFC 9457: what went wrong',
  content: { 'application/problem+json': { schema: ProblemSchema } },
};

function responsesOf(schema: unknown): object {
  if (typeof schema !== 'object' || schema === null || !('response' in schema)) return {};
  return typeof schema.response === 'object' && schema.response !== null ? schema.response : {};
}
