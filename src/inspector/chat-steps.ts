import type { Clock } from '../clock.ts';
import type { Stepped, StepWatch } from '../conversations/conversations.ts';
import type { ConversationRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { abridge } from './abridge.ts';
import type { FeedItem, StepItem } from './feed-items.ts';

/** What a moment has of a chat's steps, or of those of any chat. */
interface Told {
  readonly steps: Stepped[];
  skipped: number;
}

const nothing = (): Told => ({ steps: [], skipped: 0 });

/**
 * The steps of the chats that are followed, and some of any chat where that is asked for, gathered for a moment. So
 * many of one chat are told, its newest among them; the others are counted. A step that nobody asked for costs a look
 * into a map.
 */
export function createChatSteps(clock: Clock) {
  let followed = new Map<string, Told>();
  /** Of any chat; null: nobody asks for those. */
  let any: Told | null = null;
  /** Steps of any chat that are wanted in this moment. */
  let sampled = 0;

  const watch: StepWatch = {
    wants(conversation) {
      if (followed.has(conversation)) return true;
      if (any === null) return false;
      sampled += 1;
      if (sampled <= limits.feedSampledStepsMax) return true;
      any.skipped += 1;
      return false;
    },
    stepped(step) {
      const told = followed.get(step.conversation) ?? any;
      if (told === null) return;
      if (told === any || told.steps.length < limits.feedChatStepsMax) {
        told.steps.push(step);
        return;
      }
      told.steps[told.steps.length - 1] = step;
      told.skipped += 1;
    },
  };

  return {
    ...watch,
    /** Follows these from now on: `chat:<conversation>`, and `chats`. */
    follow(actors: ReadonlySet<string>): void {
      const chats = [...actors].filter((actor) => actor.startsWith(CHAT)).map((actor) => actor.slice(CHAT.length));
      followed = new Map(chats.map((chat) => [chat, followed.get(chat) ?? nothing()]));
      any = actors.has('chats') ? (any ?? nothing()) : null;
    },
    isWanted: (): boolean => followed.size > 0 || any !== null,
    /** What there was since it was asked last, in the order of the commits. */
    items(): FeedItem[] {
      const all = [...[...followed].map(([chat, told]) => [CHAT + chat, told] as const), ['chats', any] as const];
      const items: FeedItem[] = all
        .flatMap(([, told]) => told?.steps.splice(0) ?? [])
        .sort((a, b) => a.seq - b.seq)
        .map(itemOf);
      const at = new Date(clock.now()).toISOString();
      for (const [actor, told] of all) {
        if (told === null || told.skipped === 0) continue;
        items.push({ kind: 'skipped', at, actor, count: told.skipped });
        told.skipped = 0;
      }
      sampled = 0;
      return items;
    },
  };
}

const CHAT = 'chat:';

function itemOf({ conversation, seq, event, from, record }: Stepped): StepItem {
  const { machine, version, status, error, state, updatedAt } = record;
  return {
    ...{ kind: 'step', at: new Date(updatedAt).toISOString(), actor: `chat:${conversation}`, seq },
    ...{ machine, version, status, error, state: JSON.parse(state), from: from === null ? null : JSON.parse(from) },
    ...{ context: contextOf(record), event: abridge(event) },
  };
}

/** The context that a record has, shortened where it is long. */
export function contextOf({ snapshot }: Pick<ConversationRecord, 'snapshot'>): unknown {
  const parsed: unknown = JSON.parse(snapshot);
  const context = typeof parsed === 'object' && parsed !== null && 'context' in parsed ? parsed.context : null;
  return snapshot.length <= limits.feedContextLengthMax ? context : abridge(context);
}
