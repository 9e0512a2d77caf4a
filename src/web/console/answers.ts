import type {
  ChatsPage,
  ConsoleChat,
  Hit,
  Line,
  Place,
  Progress,
  SearchPage,
  StateCount,
  Transcript,
} from '../../console/console.ts';
import { call, Problem, sessionHeaders } from '../ui/api.ts';

export type { ChatsPage, ConsoleChat, Hit, Line, Progress, SearchPage, StateCount, Transcript };

/**
 * The console's addresses. What they answer is what the server's schemas say (src/console/console.ts): the page comes from
 * the very process that it asks.
 */
const get = <T>(
  path: string,
  query: Readonly<Record<string, string | null>> = {},
  signal?: AbortSignal,
): Promise<T> => {
  const fields = Object.entries(query).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
  const text = new URLSearchParams(fields).toString();
  return call(
    `v1/console/${path}${text === '' ? '' : `?${text}`}`,
    signal === undefined ? {} : { signal },
  ) as Promise<T>;
};

const part = encodeURIComponent;

/** Whether the same question may be answered later; until then it is asked again so often. */
export const RETRY_MS = 500;
export const mayPass = (error: unknown): boolean =>
  !(error instanceof Problem) || (error.status >= 500 && error.code !== 'data_damaged') || error.status === 429;

export interface AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly act: string;
  readonly key: string | null;
  readonly name: string | null;
  readonly from: string;
  readonly subject: string | null;
  readonly detail: unknown;
  readonly count: number;
}

/** The audit log, the newest first; `after` goes on. */
export const audit = (after: number | null) =>
  call(`v1/audit?limit=50${after === null ? '' : `&after=${after}`}`) as Promise<{
    readonly entries: readonly AuditEntry[];
    readonly next: number | null;
  }>;

/** What the list shows. */
export interface Filter {
  readonly kind: 'all' | 'unread' | 'quarantined' | 'unknown' | 'scheduled';
  readonly machine: string | null;
  readonly state: string | null;
}

const filtered = ({ kind, machine, state }: Filter) => ({
  ...(kind === 'unread' ? { unread: '1' } : kind === 'all' ? {} : { status: kind }),
  ...{ machine, state },
});

export const chats = (filter: Filter, after: string | null, limit: number) =>
  get<ChatsPage>('chats', { ...filtered(filter), after, limit: String(limit) });

/** Of these chats those that the filter lets through. */
export const chatsOf = (filter: Filter, ids: readonly string[]): Promise<ChatsPage> => {
  const fields = Object.entries(filtered(filter)).flatMap(([name, value]) => (value == null ? [] : [[name, value]]));
  const query = new URLSearchParams([...fields, ...ids.map((id) => ['id', id]), ['limit', '200']]);
  return call(`v1/console/chats?${query}`) as Promise<ChatsPage>;
};

export const states = () => get<{ readonly states: readonly StateCount[] }>('states');

export const transcript = (
  chat: string,
  query: { readonly before?: number; readonly after?: number; readonly around?: number; readonly limit: number },
) =>
  get<Transcript>(
    `chats/${part(chat)}/transcript`,
    Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
  );

export const search = (q: string, before: number | null, signal: AbortSignal) =>
  get<SearchPage>('search', { q, before: before === null ? null : String(before), limit: '30' }, signal);

export const place = (seq: number) => get<Place>(`entries/${seq}`);

export const markRead = (chat: string, seq: number) =>
  call(`v1/console/chats/${part(chat)}/read`, { method: 'POST', body: { seq } });

export interface Overview {
  readonly now: string;
  readonly parts: readonly { readonly name: string; readonly state: string; readonly detail: string | null }[];
  readonly operators: {
    readonly connected: number;
    readonly behind: number;
    readonly lag: number;
    readonly polling: number;
  } | null;
  readonly figures: {
    readonly head: number;
    readonly updates: number;
    readonly last_poll_at: string | null;
    readonly outbox: number;
    readonly sending: number;
    readonly sent: number;
    readonly chats_in_memory: number;
    readonly requests: number;
  } | null;
  /** For admins: since when nothing is sent, as these data are a copy. */
  readonly held_since: string | null;
  readonly readers:
    | readonly { readonly name: string; readonly kind: string; readonly state: string; readonly lag: number }[]
    | null;
}
export const overview = () => get<Overview>('overview');
export const release = (cancel: boolean) => call('v1/outbox/release', { method: 'POST', body: { cancel } });

/** A file's bytes, to be shown: never an address of its own, as what users send must not become a page. */
export async function file(fileId: string): Promise<Blob> {
  const response = await fetch(`v1/console/file?file_id=${part(fileId)}`, { headers: sessionHeaders() });
  if (!response.ok) throw new Error(`The server answered ${response.status}`);
  return response.blob();
}

export const send = (body: unknown, key: string) =>
  call('v1/messages', { method: 'POST', body, headers: { 'idempotency-key': key } }) as Promise<{
    readonly id: string;
  }>;
/** What became of a message (docs/messages.md). */
export interface MessageNow {
  readonly id: string;
  readonly status: string;
  readonly method: string;
  readonly attempts: number;
  readonly send_at?: string;
  readonly error?: unknown;
}
/** How a message stands: at once, or when it is settled, if that comes within so many seconds. */
export const message = (id: string, waitS: number) =>
  call(`v1/messages/${part(id)}?wait=${waitS}`) as Promise<MessageNow>;
export const cancel = (id: string) => call(`v1/messages/${part(id)}`, { method: 'DELETE' });
export const resolve = (id: string, as: 'sent' | 'failed' | 'resend') =>
  call(`v1/messages/${part(id)}/resolve`, { method: 'POST', body: { as } });
export const retry = (conversation: string) =>
  call(`v1/chats/${part(conversation)}/retry`, { method: 'POST' }) as Promise<ConversationNow>;
/** How a conversation stands, and why it stands still. */
export interface ConversationNow {
  readonly status: string;
  readonly error: string | null;
}
export const standing = (conversation: string) => call(`v1/chats/${part(conversation)}`) as Promise<ConversationNow>;
