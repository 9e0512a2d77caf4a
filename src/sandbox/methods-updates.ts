import { Readable } from 'node:stream';
import { limits } from '../limits.ts';
import { ApiError, badRequest, conflict, tooManyRequests } from './api-error.ts';
import { isKnownKind } from './bots.ts';
import { Answer, type Call, type Method, remarked } from './call.ts';
import { refusedAddress } from './outside.ts';
import { readParams } from './params.ts';
import { createWebhook, type WebhookSettings } from './webhook.ts';

/** How updates come to the bot: getUpdates, or a webhook, never both. */
export const UPDATE_METHODS = {
  getUpdates,
  setWebhook,
  deleteWebhook: (call) => removeWebhook(call, 'Webhook was deleted', 'Webhook is already deleted'),
  getWebhookInfo,
} satisfies Record<string, Method>;

async function getUpdates({ bot, params, gone }: Call): Promise<Answer> {
  if (bot.webhook !== null) {
    return bot.poller.refuse(
      conflict("can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"),
    );
  }
  rememberAllowed({ bot, params });
  const updates = await bot.poller.get({
    offset: params.integer('offset', 0),
    count: params.integer('limit', 100, 1, 100),
    timeoutMs: params.integer('timeout', 0, 0, limits.sandboxPollTimeoutMaxS) * 1000,
    gone,
  });
  return new Answer(`{"ok":true,"result":[${updates.map((update) => update.json).join(',')}]}`);
}

/** Left out: as last set. An empty list, or one that names no kind: Telegram's default. */
function rememberAllowed({ bot, params }: Pick<Call, 'bot' | 'params'>): void {
  const kinds = params.json('allowed_updates');
  if (!Array.isArray(kinds)) return;
  const named = kinds.map((kind) => String(kind).toLowerCase()).filter(isKnownKind);
  bot.allowedUpdates = named.length === 0 ? null : new Set(named);
}

function setWebhook(call: Call): Answer {
  const { world, bot, params } = call;
  if (params.text('url') === '') return removeWebhook(call, 'Webhook was deleted', 'Webhook is already deleted');
  const settings = readWebhookSettings(call);
  const now = world.clock.steadyNow();
  if (bot.flood.repeatedPolls && now < bot.webhookSetAtMs + 1000) throw tooManyRequests(1);
  bot.webhookSetAtMs = now;
  rememberAllowed(call);
  if (params.flag('drop_pending_updates')) bot.queue.clear();
  else if (bot.webhook !== null && isSame(bot.webhook.settings, settings)) return remarked('Webhook is already set');
  bot.poller.abort(conflict('terminated by setWebhook request'));
  bot.webhook?.close();
  bot.webhook = createWebhook(settings, {
    clock: world.clock,
    random: world.random,
    lookup: world.outside.lookup,
    queue: bot.queue,
    onReply: (contentType, body) => {
      carryOutReply(call, contentType, body).catch((error: unknown) => {
        // Telegram tells nobody how such a call went.
        const code = error instanceof ApiError ? error.errorCode : 500;
        world.log('sandbox.webhook_reply_failed', { bot: bot.id, error_code: code });
      });
    },
  });
  return remarked('Webhook was set');
}

function readWebhookSettings({ world, params }: Call): WebhookSettings {
  const given = params.text('url');
  const url = /^https?:\/\//i.test(given) ? given : `https://${given}`;
  if (!URL.canParse(url)) throw badRequest('invalid webhook URL specified');
  const secretToken = params.text('secret_token');
  if (secretToken.length > 256) throw badRequest('secret token is too long');
  if (!/^[\w-]*$/.test(secretToken)) throw badRequest('secret token contains unallowed characters');
  const ipAddress = params.text('ip_address');
  try {
    world.outside.require(new URL(url));
    if (ipAddress !== '') world.outside.require({ hostname: ipAddress });
  } catch (error) {
    const refused = refusedAddress(error);
    throw refused === null ? error : badRequest(`bad webhook: ${refused}`);
  }
  return {
    url: new URL(url),
    secretToken,
    maxConnections: params.integer('max_connections', 40, 1, 100),
    certificate: params.upload('certificate')?.bytes,
    ipAddress,
  };
}

const isSame = (a: WebhookSettings, b: WebhookSettings): boolean =>
  a.url.href === b.url.href &&
  a.secretToken === b.secretToken &&
  a.maxConnections === b.maxConnections &&
  a.ipAddress === b.ipAddress &&
  a.certificate === undefined &&
  b.certificate === undefined;

function removeWebhook({ bot, params }: Call, removed: string, absent: string): Answer {
  if (params.flag('drop_pending_updates')) bot.queue.clear();
  if (bot.webhook === null) return remarked(absent);
  bot.webhook.close();
  bot.webhook = null;
  return remarked(removed);
}

/** What a bot answers to its webhook may be a call; get* and the webhook's own methods are passed over. */
async function carryOutReply({ world, bot, call }: Call, contentType: string, body: Buffer): Promise<void> {
  if (body.length === 0) return;
  const params = await readParams('', contentType, Readable.from([body]));
  const method = params.text('method').toLowerCase();
  if (
    method === '' ||
    method.startsWith('get') ||
    ['setwebhook', 'deletewebhook', 'close', 'logout'].includes(method)
  ) {
    return;
  }
  await call(world, bot, method, params, new AbortController().signal);
}

function getWebhookInfo({ bot }: Call): Record<string, unknown> {
  const { webhook, queue, allowedUpdates } = bot;
  const error = webhook?.lastError ?? null;
  return {
    url: webhook?.settings.url.href ?? '',
    has_custom_certificate: webhook?.settings.certificate !== undefined,
    pending_update_count: queue.size,
    ...(error === null ? {} : { last_error_date: Math.floor(error.atMs / 1000), last_error_message: error.message }),
    ...(webhook === null ? {} : { max_connections: webhook.settings.maxConnections }),
    ...(webhook === null || webhook.settings.ipAddress === '' ? {} : { ip_address: webhook.settings.ipAddress }),
    ...(allowedUpdates === null ? {} : { allowed_updates: [...allowedUpdates] }),
  };
}
