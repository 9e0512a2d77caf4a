import { Type } from 'typebox';
import { SwitchboardError } from '../errors.ts';
import type { App, HttpParts } from './app.ts';
import { Id } from './schemas.ts';

const MaybeText = Type.Union([Type.String(), Type.Null()]);
const CallbackView = Type.Object(
  {
    url: Type.String(),
    last_seq: Type.Integer({ description: 'The last entry that the receiver has taken' }),
    failures: Type.Integer({ description: 'Tries in a row that it did not take' }),
    failing_since: MaybeText,
    disabled: Type.Union([Type.String(), Type.Null()], { description: 'Why nothing more is sent; null: it is' }),
  },
  { description: "Where a key's callbacks are" },
);

const tags = ['keys'];
const config = { scope: 'admin' } as const;
const nothing = () => new SwitchboardError('not_found', 'There is no such key with callbacks');

/** `/v1/keys/{id}/callback`: how the callbacks of a key are doing, for admins. */
export function callbackRoutes(app: App, { callbacks }: HttpParts): void {
  async function view(keyId: string) {
    const state = await callbacks.state(keyId);
    if (state === null) throw nothing();
    const { url, seq, failures, failingSince, disabled } = state;
    const failing_since = failingSince === null ? null : new Date(failingSince).toISOString();
    return { url, last_seq: seq, failures, failing_since, disabled };
  }

  app.get(
    '/v1/keys/:id/callback',
    {
      schema: { tags, summary: "Where a key's callbacks are", params: Id('A key'), response: { 200: CallbackView } },
      config,
    },
    (request) => view(request.params.id),
  );

  app.post(
    '/v1/keys/:id/callback/resume',
    {
      schema: {
        tags,
        summary: 'Try again now: also where it was given up',
        params: Id('A key'),
        response: { 200: CallbackView },
      },
      config: { ...config, audit: { act: 'callback.resumed' } },
    },
    async (request) => {
      if (!(await callbacks.resume(request.params.id))) throw nothing();
      return view(request.params.id);
    },
  );
}
