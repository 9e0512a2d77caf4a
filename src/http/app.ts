import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Logger } from 'pino';
import type { Act, Audit } from '../audit/audit.ts';
import type { Callbacks } from '../callbacks/callbacks.ts';
import type { Clock } from '../clock.ts';
import type { Conversations } from '../conversations/conversations.ts';
import type { Journal } from '../journal/journal.ts';
import type { Key, Keyring, Scope } from '../keys/keys.ts';
import type { Operators, UpdateQueues } from '../operators/operators.ts';
import type { Deliveries, Outbox } from '../outbox/outbox.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { StatusStore } from '../status.ts';
import type { BotApi, BotFiles } from '../telegram/telegram.ts';
import type { Uploads } from '../uploads/uploads.ts';
import type { KeyEnds } from './key-ends.ts';
import type { Places } from './places.ts';
import type { PostRate } from './post-rate.ts';

/** What the routes serve. */
export interface HttpParts {
  readonly bot: string;
  readonly journal: Pick<
    Journal,
    'stream' | 'bounds' | 'lastSeq' | 'conversation' | 'conversations' | 'quarantined' | 'seqAt'
  >;
  readonly keyring: Keyring;
  readonly audit: Audit;
  /** Log-ins of the pages. */
  readonly sessions: Sessions;
  readonly operators: Operators;
  readonly conversations: Conversations;
  readonly outbox: Outbox;
  readonly deliveries: Deliveries;
  readonly updates: UpdateQueues;
  readonly api: Pick<BotApi, 'call'>;
  readonly files: Pick<BotFiles, 'open'>;
  readonly uploads: Uploads;
  readonly callbacks: Callbacks;
  readonly status: StatusStore;
  /** Takes note of an error that the disk or the database is to blame for. */
  readonly reportFault: (error: unknown) => void;
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Buffer;
  /** Gets method, route pattern, status and time of requests; never a query, a header or a body. */
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  /** Streams that one key may have open; by default limits.streamsPerKeyMax. */
  readonly streamsPerKeyMax?: number;
  /** Streams that all keys together may have open; by default limits.streamsMax. */
  readonly streamsMax?: number;
  /** A socket that takes nothing for so long while something waits for it is closed. */
  readonly stuckMs: number;
  /** Places for answers of many entries. */
  readonly answers: Places;
  readonly postRate: PostRate;
  /** Tells those who wait that their key was revoked, or has expired. */
  readonly keyEnds: KeyEnds;
  /** Tells those who wait that a secret of their key has ended: they may have come in by that. */
  readonly secretEnds: KeyEnds;
  /** Aborted once the server closes: whoever waits answers with what there is. */
  readonly closing: AbortSignal;
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null at addresses that need no key. */
    caller: Key | null;
  }
  interface FastifyContextConfig {
    /** What a key must grant; left out: the address needs no key. */
    scope?: Scope;
    /** A person's key is refused. */
    forPrograms?: boolean;
    /** Answers as long as its reader stays. */
    stream?: boolean;
    /** Takes a ticket in place of a key; `once`: what it opened cannot be come back to with it. */
    ticket?: boolean | 'once';
    /** What it does is noted in the audit log, with these fields of the query or the body. */
    audit?: { readonly act: Act; readonly fields?: readonly string[] };
    /** Answers while the server closes. */
    always?: boolean;
  }
}
