import type { JournalReader } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { isOutdated, type Verdict, type VersionsOf } from './versions.ts';

/** Conversations of one version that came, or would come, to the same for the same reason. */
interface Group {
  readonly outcome: Verdict['outcome'];
  /** Why it does not fit; null where it does. */
  readonly why: string | null;
  count: number;
  readonly examples: string[];
}

/** Counts what becomes of conversations, with the first few of each kind as examples. Bounded by the kinds there are. */
export function createTally(versionsOf: VersionsOf) {
  const versions = new Map<string, Map<string, Group>>();
  let total = 0;
  return {
    add({ id, machine, version }: { id: string; machine: string; version: string }, verdict: Verdict): void {
      total += 1;
      const title = `${machine} ${version} -> ${versionsOf(machine).current?.version ?? 'not loaded'}`;
      const groups = versions.get(title) ?? new Map<string, Group>();
      versions.set(title, groups);
      const { outcome } = verdict;
      const why = outcome === 'migrated' ? null : `${verdict.misfit.code}: ${verdict.misfit.detail}`;
      const kind = `${outcome} ${outcome === 'migrated' ? '' : verdict.misfit.code}`;
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

/** What a sweep would do, without doing it: judges every outdated conversation. */
export async function judgeAll(
  journal: Pick<JournalReader, 'conversation' | 'conversationVersions' | 'timersOf' | 'requestsOf'>,
  versionsOf: VersionsOf,
  onVerdict: (conversation: { id: string; machine: string; version: string }, verdict: Verdict) => void,
): Promise<void> {
  for (let after = ''; ; ) {
    const page = await journal.conversationVersions(after, limits.sweepPageMax);
    for (const conversation of page) {
      if (!isOutdated(conversation, versionsOf)) continue;
      const record = await journal.conversation(conversation.id);
      // Read again: a server beside us may have brought it up meanwhile.
      if (record === null || !isOutdated(record, versionsOf)) continue;
      const [timers, requests] = [await journal.timersOf(record.id), await journal.requestsOf(record.id)];
      onVerdict(record, versionsOf(record.machine).judge({ record, timers, requests }));
    }
    if (page.length < limits.sweepPageMax) return;
    after = page.at(-1)?.id ?? after;
  }
}
