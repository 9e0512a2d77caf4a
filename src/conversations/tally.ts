import type { ConversationRecord, JournalReader } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { pendingOf, storedWith } from './held.ts';
import { isOutdated, mayGoOn, type Verdict, type VersionsOf } from './versions.ts';

/** What a conversation came, or would come, to. */
export interface Outlook {
  /** `resumed`: it stood still, as its machine was not loaded. */
  readonly outcome: Verdict['outcome'] | 'resumed';
  /** Why; null where it fits. Those of one outcome are counted apart by what stands before the second colon. */
  readonly why: string | null;
}

/** Conversations of one version that came, or would come, to the same for the same reason. */
interface Group extends Outlook {
  count: number;
  readonly examples: string[];
}

/** A verdict in words. */
export const outlookOf = (verdict: Verdict): Outlook => ({ outcome: verdict.outcome, why: whyOf(verdict) });

const whyOf = (verdict: Verdict): string | null =>
  verdict.outcome === 'migrated' ? null : `${verdict.misfit.code}: ${verdict.misfit.detail}`;

/** Counts what becomes of conversations, with the first few of each kind as examples. Bounded by the kinds there are. */
export function createTally(versionsOf: VersionsOf) {
  const versions = new Map<string, Map<string, Group>>();
  let total = 0;
  return {
    add({ id, machine, version }: Conversation, { outcome, why }: Outlook): void {
      total += 1;
      const title = `${machine} ${version} -> ${versionsOf(machine).current?.version ?? 'not loaded'}`;
      const groups = versions.get(title) ?? new Map<string, Group>();
      versions.set(title, groups);
      const kind = `${outcome} ${/^(already: )?[^:]*/.exec(why ?? '')?.[0]}`;
      const group = groups.get(kind) ?? { outcome, why, count: 0, examples: [] };
      groups.set(kind, group);
      group.count += 1;
      if (group.examples.length < limits.migrateExamplesMax) group.examples.push(id);
    },
    total: () => total,
    /** For a terminal: a line a version, below it a line an outcome and reason. */
    lines: (): string[] =>
      [...versions].flatMap(([title, groups]) => [
        title,
        ...[...groups.values()].map(
          ({ outcome, why, count, examples }) =>
            `  ${outcome.padEnd(11)} ${String(count).padStart(9)}  ${why === null ? '' : `${why}; `}for example ${examples.join(', ')}`,
        ),
      ]),
  };
}

type Conversation = Pick<ConversationRecord, 'id' | 'machine' | 'version'>;

/**
 * What a sweep would do, without doing it: judges every outdated conversation, and tells of those that stand still already
 * what would become of them. `only` restricts it to these.
 */
export async function judgeAll(
  journal: Pick<JournalReader, 'conversation' | 'conversationVersions' | 'timersOf' | 'requestsOf' | 'heldAwaited'>,
  versionsOf: VersionsOf,
  onOutlook: (conversation: Conversation, outlook: Outlook) => void,
  only?: ConversationRecord['status'],
): Promise<void> {
  async function judge(record: ConversationRecord): Promise<Verdict> {
    const pending = await pendingOf(journal, record.id, record.status === 'quarantined');
    return versionsOf(record.machine).judge(storedWith(record, pending));
  }

  async function outlook(record: ConversationRecord): Promise<Outlook | null> {
    if (record.status !== 'quarantined') return isOutdated(record, versionsOf) ? outlookOf(await judge(record)) : null;
    if (mayGoOn(record, versionsOf)) return { outcome: 'resumed', why: 'its machine is loaded again' };
    // It failed in the version of today: that is for who looks after it.
    if (!isOutdated({ ...record, status: 'active' }, versionsOf)) return null;
    // One that has failed at its beginning begins again.
    const why = record.snapshot === 'null' ? null : whyOf(await judge(record));
    return {
      outcome: 'quarantined',
      why: why === null ? 'already, and would fit: switchboard chats retry' : `already: ${why}`,
    };
  }

  for (let after = ''; ; ) {
    const page = await journal.conversationVersions(after, limits.sweepPageMax);
    for (const conversation of page) {
      if (only !== undefined && conversation.status !== only) continue;
      if (conversation.status !== 'quarantined' && !isOutdated(conversation, versionsOf)) continue;
      // Read again: a server beside us may have brought it up meanwhile.
      const record = await journal.conversation(conversation.id);
      const found = record === null ? null : await outlook(record);
      if (found !== null) onOutlook(conversation, found);
    }
    if (page.length < limits.sweepPageMax) return;
    after = page.at(-1)?.id ?? after;
  }
}
