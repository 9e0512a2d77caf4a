import { type Static, type TSchema, Type } from 'typebox';

/** Every setting: unit, default (default.json repeats none of the prose), bounds, and the environment's name for it. */
const whole = (description: string, minimum: number, maximum: number, env?: string) =>
  Type.Integer({ description, minimum, maximum, ...(env === undefined ? {} : { env }) });
const rate = (description: string, minimum: number, maximum: number) => Type.Number({ description, minimum, maximum });
/**
 * `secret`: its value is never repeated, and the variable `<env>_FILE` may name a file that holds it. `networks`: a list as
 * networkList (src/address-rule.ts) takes it, separated by commas, which loadSettings checks.
 */
const text = (
  description: string,
  options: { env?: string; pattern?: string; says?: string; minLength?: number; secret?: true; networks?: true },
) => Type.String({ description, ...options });
/** With a host, maybe a port and a path. */
const ADDRESS = '^https?://([\\w-]+(\\.[\\w-]+)*|\\[[\\da-fA-F:.]+\\])(:\\d{1,5})?(/[^\\s?#]*)?';
/** A proxy's address. The scheme, user name and password may be left out. */
const PROXY = '^(https?://)?(([^\\s/@%]|%[\\da-fA-F]{2})+@)?([\\w-]+(\\.[\\w-]+)*|\\[[\\da-fA-F:.]+\\])(:\\d{1,5})?/?$';
const proxy = (description: string, env: string) =>
  optional(
    text(description, {
      env,
      secret: true,
      pattern: PROXY,
      says: 'the address of a proxy, as http://proxy.example:3128',
    }),
  );
const optional = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const MACHINE_NAME = '^[a-z][a-z0-9-]*$';
const strict = { additionalProperties: false };

const Selection = Type.Object(
  {
    machine: text('File machines/<machine>.machine.ts', {
      pattern: MACHINE_NAME,
      says: 'a name of a-z, 0-9 and -',
    }),
    per: Type.Optional(Type.Union([Type.Literal('chat'), Type.Literal('user'), Type.Literal('topic')])),
  },
  strict,
);

const Unfit = Type.Object(
  {
    unfit: Type.Union([Type.Literal('keep'), Type.Literal('restart'), Type.Literal('quarantine')], {
      description:
        'keep: it goes on with the version it began with, as long as machines/<machine>@<version>.machine.ts is there; restart: it begins anew with the next message, and the user is told; quarantine: it stands still (so it is where nothing is set)',
    }),
    restartText: Type.Optional(
      text('What the user is told where the conversation begins anew', {
        pattern: '^[^]{1,4096}$',
        says: 'a text of 1 to 4096 characters',
      }),
    ),
  },
  strict,
);

export const SettingsSchema = Type.Object(
  {
    telegram: Type.Object(
      {
        token: optional(
          text("The bot's token from @BotFather; without it Switchboard runs against its own sandbox", {
            env: 'TELEGRAM_BOT_TOKEN',
            secret: true,
            pattern: '^\\d{1,16}:[A-Za-z0-9_-]+$',
            says: 'a token as 123456:ABC-DEF',
          }),
        ),
        apiRoot: text('Where the Bot API is', {
          env: 'TELEGRAM_API_ROOT',
          pattern: `${ADDRESS}$`,
          says: 'an http:// or https:// address',
        }),
        pollTimeoutS: whole(
          'Seconds that a long poll waits for an update; a link that is down is noticed 5 s later, or after 15 s if that is more',
          1,
          50,
        ),
        deleteWebhook: Type.Boolean({ description: 'Take away a webhook that is set for the bot' }),
      },
      strict,
    ),
    http: Type.Object(
      {
        host: text('Address to listen on', { env: 'SWITCHBOARD_HOST', minLength: 1, says: 'a host name or address' }),
        port: whole('Port to listen on; 0 takes a free one', 0, 65535, 'SWITCHBOARD_PORT'),
        trustedProxies: optional(
          text('Addresses and networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed', {
            env: 'SWITCHBOARD_TRUSTED_PROXIES',
            networks: true,
            says: 'addresses and networks separated by commas, as 127.0.0.1, 10.0.0.0/8',
          }),
        ),
      },
      strict,
    ),
    sandbox: Type.Object(
      { port: whole("The sandbox's port; 0 takes a free one", 0, 65535, 'SWITCHBOARD_SANDBOX_PORT') },
      strict,
    ),
    network: Type.Object(
      {
        httpsProxy: proxy('Proxy through which https addresses are reached', 'HTTPS_PROXY'),
        httpProxy: proxy('Proxy for http addresses, and for https ones where there is no other', 'HTTP_PROXY'),
        noProxy: optional(text('Hosts that are reached without a proxy, separated by commas', { env: 'NO_PROXY' })),
        addressTimeoutMs: whole('ms until the next address of a host is tried', 10, 5000),
      },
      strict,
    ),
    data: text('Folder of the database', { env: 'SWITCHBOARD_DATA', minLength: 1, says: 'the path of a folder' }),
    logLevel: Type.Union(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'].map((level) => Type.Literal(level)),
      { description: 'How much is logged', env: 'SWITCHBOARD_LOG_LEVEL' },
    ),
    inspect: Type.Union([Type.Literal('off'), Type.Literal('1')], {
      description: '1: the inspector is served, to admin keys',
      env: 'SWITCHBOARD_INSPECT',
    }),
    conversations: Type.Object(
      { private: optional(Selection), group: optional(Selection), channel: optional(Selection) },
      { ...strict, description: 'Which machine runs the chats of a kind; null: none' },
    ),
    machines: Type.Record(Type.String({ pattern: MACHINE_NAME }), Unfit, {
      ...strict,
      description:
        'By machine: what becomes of a conversation that does not fit its new version, or whose machine no chat runs any more',
    }),
    backend: Type.Object(
      {
        url: optional(
          text("The team's HTTP service; without it the example payments run in the process", {
            env: 'SWITCHBOARD_BACKEND_URL',
            pattern: `${ADDRESS}(\\?[^\\s#]*)?$`,
            says: 'an http:// or https:// address',
          }),
        ),
        secret: optional(
          text('Signs requests to the service (Standard Webhooks)', {
            env: 'SWITCHBOARD_BACKEND_SECRET',
            secret: true,
            pattern: '^whsec_[A-Za-z0-9+/=]{32,}$',
            says: 'whsec_ and at least 24 bytes in base64',
          }),
        ),
        timeoutMs: whole('ms that one try may take', 100, 120_000),
        deadlineMs: whole('ms after which a request is not tried again; its conversation is told', 1000, 86_400_000),
        backoffMaxMs: whole('ms between two tries at most', 100, 3_600_000),
        attemptsMax: optional(whole('Tries of one request; none: as many as fit before its deadline', 1, 1000)),
      },
      strict,
    ),
    retention: Type.Object(
      {
        days: optional(whole('Days that journal entries are kept; none: for ever', 1, 36_500)),
        entries: optional(whole('Journal entries that are kept; none: all', 1000, 1_000_000_000_000)),
      },
      strict,
    ),
    outbox: Type.Object(
      {
        chatPerS: rate('Messages a second to one private chat', 0.01, 10_000),
        chatBurst: whole('Messages to one private chat that may go at once', 1, 10_000),
        groupPerMin: rate('Messages a minute to one group', 0.1, 100_000),
        groupBurst: whole('Messages to one group that may go at once', 1, 10_000),
        overallPerS: rate('Messages a second in all', 0.1, 100_000),
        overallBurst: whole('Messages in all that may go at once', 1, 100_000),
      },
      strict,
    ),
  },
  strict,
);

export type Settings = Static<typeof SettingsSchema>;
