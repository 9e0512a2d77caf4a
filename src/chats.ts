import { join } from 'node:path';
import type { Static } from 'typebox';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Settings } from '../config/schema.ts';
import { loadMachineTable } from './conversations/files.ts';
import { createRouter } from './conversations/router.ts';
import { SwitchboardError } from './errors.ts';
import { ChatView, chatView } from './http/chat-view.ts';
import { limits } from './limits.ts';
import { openServed } from './serving.ts';
import { joinChatIds, parse, UsageError } from './usage.ts';

const MACHINES = join(import.meta.dirname, '..', 'machines');

type Chat = Static<typeof ChatView>;
const Page = Compile(Type.Object({ chats: Type.Array(ChatView), next: Type.Union([Type.String(), Type.Null()]) }));
const One = Compile(ChatView);

interface ListArgs {
  readonly quarantined: boolean;
  readonly after: string | null;
  readonly limit: number;
}

/** The conversations of a data folder, whoever serves it. */
interface Chats {
  page(args: ListArgs): Promise<{ readonly chats: readonly Chat[]; readonly next: string | null }>;
  retry(id: string): Promise<Chat>;
}

/**
 * `switchboard chats`: lists conversations, a JSON object a line, and retries one. Returns the exit code: 1 if the retried
 * chat is quarantined again.
 */
export async function chats(
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  tell: (line: string) => void,
): Promise<number> {
  const [action, id, ...more] = args;
  const retried = action === 'retry' ? id : undefined;
  if (action === 'retry' && (id === undefined || more.length > 0))
    throw new UsageError('chats retry takes the ID of a chat');
  const wanted = action === 'retry' ? null : listArgs(args);
  const open = openChats(settings);
  try {
    if (retried === undefined) return await list(open.use, wanted ?? listArgs([]), print, tell);
    const chat = await open.use.retry(retried);
    print(lineOf(chat));
    return chat.status === 'quarantined' ? 1 : 0;
  } finally {
    await open.close();
  }
}

function listArgs(args: readonly string[]): ListArgs {
  const { values } = parse({
    args: joinChatIds(args, 'after'),
    options: { status: { type: 'string' }, after: { type: 'string' }, limit: { type: 'string', default: '100' } },
  });
  if (values.status !== undefined && values.status !== 'quarantined') {
    throw new UsageError(`--status ${values.status}: it can be quarantined`);
  }
  const limit = /^\d{1,9}$/.test(values.limit) ? Number(values.limit) : 0;
  if (limit < 1) throw new UsageError(`--limit ${values.limit}: a whole number from 1`);
  return { quarantined: values.status !== undefined, after: values.after ?? null, limit };
}

/** Page by page, so that memory holds one however many chats there are. */
async function list(open: Chats, args: ListArgs, print: (line: string) => void, tell: (line: string) => void) {
  let printed = 0;
  for (let after = args.after; ; ) {
    const limit = Math.min(args.limit - printed, limits.pageSizeMax);
    const { chats, next } = await open.page({ ...args, after, limit });
    for (const chat of chats) print(lineOf(chat));
    printed += chats.length;
    if (next === null) return 0;
    if (printed >= args.limit) {
      tell(`${printed} chats; there may be more: --after ${next}`);
      return 0;
    }
    if (printed % 10_000 === 0) tell(`${printed} chats so far`);
    after = next;
  }
}

const lineOf = ({ id, machine, version, state, status, error }: Chat): string =>
  JSON.stringify({ id, machine, version, state, status, error });

const openChats = (settings: Settings) =>
  openServed<Chats>(settings, {
    name: 'switchboard chats',
    served: ({ call }) => ({
      async page({ quarantined, after, limit }) {
        const query = new URLSearchParams({ limit: String(limit) });
        if (after !== null) query.set('after', after);
        if (quarantined) query.set('status', 'quarantined');
        return Page.Parse(await call('GET', `/v1/chats?${query}`));
      },
      retry: async (id) => One.Parse(await call('POST', `/v1/chats/${encodeURIComponent(id)}/retry`)),
    }),
    unserved: (journal, note) => ({
      async page({ quarantined, after, limit }) {
        const wanted = { after, limit, chats: null };
        const records = await (quarantined ? journal.quarantined(wanted) : journal.conversations(wanted));
        return { chats: records.map(chatView), next: records.length < limit ? null : (records.at(-1)?.id ?? null) };
      },
      async retry(id) {
        const machines = await loadMachineTable(settings.conversations, MACHINES, settings.machines);
        try {
          const retried = await createRouter({ journal, machines, username: () => null }).retry(id);
          note('chat.retried', id);
          return chatView(retried);
        } catch (error) {
          if (error instanceof SwitchboardError && error.entry.status !== undefined)
            throw new UsageError(error.message);
          throw error;
        }
      },
    }),
  });
