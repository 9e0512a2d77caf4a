import type { Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { ALBUM_CALLS } from './calls/albums.ts';
import { COPY_CALLS } from './calls/copies.ts';
import { EDIT_CALLS } from './calls/edits.ts';
import { FILE_CALLS } from './calls/files.ts';
import { POINT_CALLS } from './calls/points.ts';
import { POLL_CALLS } from './calls/polls.ts';
import { SIGN_CALLS } from './calls/signs.ts';
import { TEXT_CALLS } from './calls/texts.ts';

/** What Switchboard must know of a method to send it. */
export interface MethodFacts {
  /** False: the call has no chat_id (an answer to a callback query). */
  readonly addressed: boolean;
  /** Counted by Telegram as a message to the chat. */
  readonly paced: boolean;
  /** Its parameters, with an example. Beside JSON Schema's keywords it has those of calls/parts.ts. */
  readonly schema: Type.TObject;
  /** The schema, compiled with the first call. */
  readonly validator: () => Validator;
}

/** The schemas of the methods that may write, by name. */
export const CALLS = {
  ...{ ...TEXT_CALLS, ...FILE_CALLS, ...ALBUM_CALLS, ...POINT_CALLS, ...POLL_CALLS },
  ...{ ...COPY_CALLS, ...EDIT_CALLS, ...SIGN_CALLS },
};

/** Methods that send no message: they change one, or only show something. */
const UNPACED: readonly string[] = [...Object.keys(EDIT_CALLS), ...Object.keys(SIGN_CALLS)];

/** The methods that may write: the allow-list. Anything else is refused. */
export const WRITE_METHODS: Readonly<Record<string, MethodFacts>> = Object.fromEntries(
  Object.entries<Type.TObject>(CALLS).map(([name, schema]) => [name, factsOf(name, schema)]),
);

function factsOf(name: string, schema: Type.TObject): MethodFacts {
  let compiled: Validator | undefined;
  return {
    addressed: Object.hasOwn(schema.properties, 'chat_id'),
    paced: !UNPACED.includes(name),
    schema,
    validator: () => {
      compiled ??= Compile(schema);
      return compiled;
    },
  };
}

/**
 * Methods that change a chat or its members: passed on to Telegram for keys with the scope `moderate`. setChatPhoto is not
 * among them: it takes an upload alone.
 */
export const MODERATING_METHODS: readonly string[] = [
  ...['banChatMember', 'unbanChatMember', 'restrictChatMember', 'promoteChatMember'],
  ...['setChatAdministratorCustomTitle', 'banChatSenderChat', 'unbanChatSenderChat', 'leaveChat'],
  ...['setChatPermissions', 'setChatTitle', 'setChatDescription', 'deleteChatPhoto'],
  ...['setChatStickerSet', 'deleteChatStickerSet'],
  ...['exportChatInviteLink', 'createChatInviteLink', 'editChatInviteLink', 'revokeChatInviteLink'],
  ...['createChatSubscriptionInviteLink', 'editChatSubscriptionInviteLink'],
  ...['approveChatJoinRequest', 'declineChatJoinRequest', 'answerChatJoinRequestQuery'],
  ...['createForumTopic', 'editForumTopic', 'closeForumTopic', 'reopenForumTopic', 'deleteForumTopic'],
  ...['editGeneralForumTopic', 'closeGeneralForumTopic', 'reopenGeneralForumTopic'],
  ...['hideGeneralForumTopic', 'unhideGeneralForumTopic'],
];

/** The facts of a write method; null where it is not on the allow-list. */
export const writeMethod = (name: string): MethodFacts | null =>
  Object.hasOwn(WRITE_METHODS, name) ? (WRITE_METHODS[name] ?? null) : null;
