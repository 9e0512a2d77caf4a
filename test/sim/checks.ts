import type { Process } from './process.ts';
import type { World } from './world.ts';

/** The priority of a message: a conversation's go first. */
function priorityOf(world: World, text: string): number {
  const posted = world.aggregator.posts.find((post) => post.text === text);
  return posted === undefined ? -1 : ['high', 'normal', 'low'].indexOf(posted.op.priority);
}

/** I5, and the order of a chat, as a call begins. */
export function checkCall(world: World, process: Process, method: string, text: string): void {
  const told = world.ledger.messageOf(text);
  if (told === null) {
    world.violate('I5', `${method} "${text}" is called, and no entry accepts it`);
    return;
  }
  process.serving?.journal.message(told.seq).then(
    (row) => {
      if (row?.status !== 'sending')
        world.violate('I5', `${method} "${text}" is called while its row is ${row?.status}`);
    },
    () => {},
  );
  const fate = told.fates.at(-1);
  const posted = world.aggregator.posts.find((post) => post.text === text);
  if (fate !== undefined && !(fate === 'unknown' && posted?.resent === true)) {
    world.violate('I5', `${method} "${text}" is called, and its fate is ${fate}`);
  }
  const { wall } = world.time;
  // What has once come due stays due, although the clock was set back since.
  const shown = Math.max(wall, posted?.latestShown ?? 0);
  if (posted?.sendAt != null && shown < posted.sendAt) {
    world.violate('outbox', `"${text}" is sent ${posted.sendAt - shown} ms before its time`);
  }
  if (posted?.expiresAt != null && wall >= posted.expiresAt) world.violate('outbox', `"${text}" is sent after its end`);
  // An answer to a button waits for nothing.
  if (method === 'answerCallbackQuery') return;
  if (process.busy.has(world.ledger.chatOf(told.chat)))
    world.violate('I3', `"${text}" is called while another call to its chat is under way`);
  const priority = priorityOf(world, text);
  for (const earlier of world.ledger.messages.values()) {
    if (
      world.ledger.chatOf(earlier.chat) !== world.ledger.chatOf(told.chat) ||
      earlier.text.startsWith('q ') ||
      earlier.seq >= told.seq ||
      earlier.fates.length > 0
    )
      continue;
    const post = world.aggregator.posts.find((one) => one.text === earlier.text);
    if (post?.sendAt != null || (post?.expiresAt != null && post.expiresAt <= wall)) continue;
    if (priorityOf(world, earlier.text) <= priority && !told.fates.includes('unknown')) {
      world.violate('I3', `"${text}" overtakes "${earlier.text}"`);
    }
  }
}

/** I5, as a message reaches its user. */
export function checkShown(world: World, text: string): void {
  const shown = world.telegram.shown.get(text)?.length ?? 0;
  const unknown = world.ledger.messageOf(text)?.fates.filter((fate) => fate === 'unknown').length ?? 0;
  if (shown > 1 + unknown) world.violate('I5', `"${text}" reaches its user ${shown} times`);
}

/** I1, as Telegram forgets an update. */
export function checkConfirmed(world: World, update: { readonly [name: string]: unknown }): void {
  const token = tokenOf(update);
  // Where nobody has heard of the last commit, the end of the world tells.
  if (!world.unheard && !world.ledger.tokens.has(token))
    world.violate('I1', `the update of "${token}" is confirmed, and is not committed`);
}

/** Telegram has thrown updates away for their age. */
export function forgetExpired(world: World, updates: ReadonlySet<object>): void {
  // What was delivered before and never confirmed may be journalled or not.
  world.telegram.written = world.telegram.written.filter(
    (update) => !updates.has(update) || world.ledger.tokens.has(tokenOf(update)),
  );
}

/** What makes an update of the world's one of its kind: the number of the step that caused it. */
export const tokenOf = (update: object): string => /#\d+/.exec(JSON.stringify(update))?.[0] ?? '';
