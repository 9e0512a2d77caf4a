import { isDeepStrictEqual } from 'node:util';
import type { AtRest } from '../../machines/events.ts';
import type { ConversationRecord, Tx } from '../journal/journal.ts';
import { addReply } from '../outbox/outbox.ts';
import { addressOf, endAll, entryBody } from './apply.ts';
import { type Pending, pendingOf, rewriteHeld, storedWith } from './held.ts';
import { isOutdated, misfitText, type Verdict, type Versions, type VersionsOf } from './versions.ts';

/**
 * The conversations as stored, for a unit of work that is about to step them: those that another version of their
 * machine stored have been brought to that of today, or held by policy, in this same unit of work.
 */
export async function readConversations(
  tx: Tx,
  bot: string,
  ids: readonly string[],
  versionsOf: VersionsOf,
): Promise<Map<string, ConversationRecord>> {
  const records = new Map(await tx.conversations(ids));
  for (const record of [...records.values()]) {
    if (!isOutdated(record, versionsOf)) continue;
    const { after } = await settle(tx, bot, record, versionsOf);
    records.set(record.id, after);
  }
  return records;
}

/** What became of an outdated conversation: `after` is `before` where nothing was written. */
export interface Settled {
  readonly before: ConversationRecord;
  readonly verdict: Verdict;
  readonly after: ConversationRecord;
}

/**
 * Judges an outdated conversation and writes what follows: its new snapshot, timers and requests with a chat.migrated
 * entry; or, where it does not fit, what the policy says. Nothing is lost silently: whatever changes has an entry.
 * `standsStill`: it is retried, and what is held for it is judged with the rest.
 */
export async function settle(
  tx: Tx,
  bot: string,
  record: ConversationRecord,
  versionsOf: VersionsOf,
  standsStill = false,
): Promise<Settled> {
  const versions = versionsOf(record.machine);
  const pending = await pendingOf(tx, record.id, standsStill);
  const verdict = versions.judge(storedWith(record, pending));
  return { before: record, verdict, after: write(tx, bot, record, pending, versions, verdict) };
}

function write(
  tx: Tx,
  bot: string,
  record: ConversationRecord,
  pending: Pending,
  versions: Versions,
  verdict: Verdict,
): ConversationRecord {
  const { id, chat, machine } = record;
  const { current } = versions;
  const version = current?.version ?? record.version;
  if (verdict.outcome === 'kept') return record;
  const facts = `"machine":${JSON.stringify(machine)},"from":${JSON.stringify(record.version)},"to":${JSON.stringify(current?.version ?? null)}`;
  const common = { ...record, updatedAt: tx.now };
  let next: ConversationRecord;
  switch (verdict.outcome) {
    case 'migrated': {
      const { state, snapshot } = verdict;
      tx.append({ type: 'chat.migrated', chat, body: entryBody(id, chat, `${facts},"outcome":"migrated"`) });
      if (state !== record.state) {
        const moved = `"machine":${JSON.stringify(machine)},"from":${record.state},"to":${state}`;
        tx.append({ type: 'chat.moved', chat, body: entryBody(id, chat, moved) });
      }
      rewritePending(tx, id, pending, verdict.rest);
      next = { ...common, version, state, snapshot };
      break;
    }
    case 'restarted': {
      const why = `"why":${JSON.stringify(verdict.misfit.code)},"detail":${JSON.stringify(verdict.misfit.detail)}`;
      tx.append({ type: 'chat.migrated', chat, body: entryBody(id, chat, `${facts},"outcome":"restarted",${why}`) });
      endAll(tx, id);
      tx.forgetAwaited(id, null);
      const params = JSON.stringify({ ...addressOf('sendMessage', id, chat), text: versions.restartText });
      addReply(tx, bot, { chat, method: 'sendMessage', params });
      // Done: the next event begins the machine anew, as it does after a final state.
      next = { ...common, version, status: 'done', state: 'null', snapshot: 'null' };
      break;
    }
    case 'quarantined': {
      const error = misfitText(record, current, verdict.misfit);
      const fields = `"error":${JSON.stringify(error)},${facts}`;
      tx.append({ type: 'chat.quarantined', chat, body: entryBody(id, chat, fields) });
      next = { ...common, status: 'quarantined', error };
      // Whoever loads the machine again looks for those that wait for it, whatever walk was done before.
      if (current === null) tx.noteVersionCheck({ plan: '', after: null });
    }
  }
  tx.saveConversation(next);
  return next;
}

/** Timers and requests as `migrate` wants them. Without a `migrate` they are as they were, and nothing is written. */
function rewritePending(tx: Tx, conversation: string, pending: Pending, rest: AtRest): void {
  const { timers, requests } = pending;
  const toCome = rewriteHeld(tx, pending, rest).map(({ id, dueAt, event }) => ({
    conversation,
    id,
    dueAt,
    event: JSON.stringify(event),
  }));
  if (!isDeepStrictEqual(toCome, timers)) {
    // All of them: those that are due at the same time fire in the order in which they are set.
    for (const { id } of timers) tx.clearTimer(conversation, id);
    for (const timer of toCome) tx.setTimer(timer);
  }
  const invokes = new Map(rest.requests.map(({ id, invoke }) => [id, invoke]));
  for (const { id, invoke } of requests) {
    const now = invokes.get(id);
    if (now === undefined) tx.withdraw(id);
    else if (now !== invoke) tx.renameRequest(id, now);
  }
}
