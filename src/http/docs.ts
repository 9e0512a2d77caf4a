import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from './app.ts';
import { ProblemSchema } from './schemas.ts';

/** Describes every route as it is added after this: `/openapi.json`, and `/docs` to read it. */
export async function describeRoutes(app: App): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Switchboard',
        version: '1',
        description:
          "One Telegram bot: its journal to read, and its messages to post. Keys: 'Authorization: Bearer <key>'.",
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
    // Its addresses are relative only from `/docs/`, and a proxy may serve it below a path of its own.
    uiHooks: {
      onRequest: async (request, reply) => (request.url === '/docs' ? reply.redirect('docs/') : undefined),
    },
    transformSpecification: (description) => ({ ...description, servers: [{ url: '..' }] }),
    transformSpecificationClone: false,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

const PROBLEM_RESPONSE = {
  description: 'RFC 9457: what went wrong',
  content: { 'application/problem+json': { schema: ProblemSchema } },
};

function responsesOf(schema: unknown): object {
  if (typeof schema !== 'object' || schema === null || !('response' in schema)) return {};
  return typeof schema.response === 'object' && schema.response !== null ? schema.response : {};
}
