import type { Chart, ChatInState, ChatNow, StateCounts, StepPage } from '../../inspector/inspector.ts';
import { call } from '../ui/api.ts';

/**
 * The inspector's addresses. What they answer is what the server's schemas say (src/inspector/inspector.ts): the page
 * comes from the very process that it asks.
 */
const get = <T>(path: string, signal?: AbortSignal): Promise<T> =>
  call(`v1/inspector/${path}`, signal === undefined ? {} : { signal }) as Promise<T>;

const part = encodeURIComponent;

export const machines = () => get<{ readonly machines: readonly Chart[]; readonly sandbox: boolean }>('machines');

export type Counts = StateCounts & { readonly live: unknown };
export const counts = (machine: string) => get<Counts>(`machines/${part(machine)}/states`);

export const chatsIn = (machine: string, state: string, after: string | null) =>
  get<{ readonly chats: readonly ChatInState[]; readonly next: string | null }>(
    `machines/${part(machine)}/chats?limit=50&state=${part(state)}${after === null ? '' : `&after=${part(after)}`}`,
  );

export const chatNow = (chat: string) => get<ChatNow>(`chats/${part(chat)}`);

export const steps = (chat: string, query: { readonly after?: number; readonly before?: number }) =>
  get<StepPage>(
    `chats/${part(chat)}/steps?${new URLSearchParams(Object.entries(query).map(([k, v]) => [k, String(v)]))}`,
  );

/** Posts an event to a chat, as an aggregator would. */
export const postEvent = (chat: string, event: unknown, key: string) =>
  call(`v1/chats/${part(chat)}/events`, { method: 'POST', body: event, headers: { 'idempotency-key': key } });
