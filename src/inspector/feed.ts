import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { Clock, TimerHandle } from '../clock.ts';
import type { StepWatch } from '../conversations/conversations.ts';
import { SwitchboardError } from '../errors.ts';
import type { ConversationRecord } from '../journal/journal.ts';
import { limits } from '../limits.ts';
import { abridge } from './abridge.ts';
import { contextOf, createChatSteps } from './chat-steps.ts';
import { createExchanges } from './exchanges.ts';
import {
  type ActorItem,
  type Feed,
  type FeedItem,
  type FeedReader,
  LIVE_ACTORS,
  type LiveActor,
} from './feed-items.ts';

export interface FeedOptions {
  readonly clock: Clock;
  /** A live actor; null while it is being restarted. */
  readonly actor: (name: LiveActor) => AnyActorRef | null;
  /** Attaches an observer to the live actors; gives what takes it away. */
  readonly watchActors: (observer: (event: InspectionEvent) => void) => () => void;
  /** Attaches one to the conversations' steps. */
  readonly watchSteps: (watch: StepWatch) => () => void;
  readonly conversation: (id: string) => Promise<ConversationRecord | null>;
}

interface Reading {
  readonly keyId: string;
  readonly actors: ReadonlySet<string>;
  readonly reader: FeedReader;
  /** What came before it was told how its actors stand. Null: it has been. */
  early: FeedItem[] | null;
}

const isLive = (actor: string): actor is LiveActor => LIVE_ACTORS.some((name) => name === actor);

/** The feed over live actors and conversations. Attached to neither while no reader asks for them. */
export function createFeed(options: FeedOptions): Feed {
  const { clock } = options;
  const readings = new Set<Reading>();
  const exchanges = createExchanges();
  const steps = createChatSteps(clock);
  let detachActors: (() => void) | null = null;
  let detachSteps: (() => void) | null = null;
  let timer: TimerHandle | undefined;

  /** Attaches and detaches, so that each is watched where somebody asks for it and nowhere else. */
  function attach(): void {
    const wanted = new Set([...readings].flatMap(({ actors }) => [...actors]));
    const wantsActors = [...wanted].some(isLive);
    if (wantsActors) detachActors ??= options.watchActors((event) => exchanges.note(event, clock.now()));
    else {
      detachActors?.();
      detachActors = null;
    }
    steps.follow(wanted);
    if (steps.isWanted()) detachSteps ??= options.watchSteps(steps);
    else {
      detachSteps?.();
      detachSteps = null;
    }
    if (readings.size > 0) timer ??= clock.setTimeout(tell, limits.feedMomentMs);
    else {
      clock.clearTimeout(timer);
      timer = undefined;
      // What the last moment had is nobody's.
      exchanges.items(0);
      steps.items();
    }
  }

  /** Ends a moment: each reader gets what is about its actors. */
  function tell(): void {
    timer = clock.setTimeout(tell, limits.feedMomentMs);
    const items = [...exchanges.items(clock.now()), ...steps.items()];
    if (items.length === 0) return;
    for (const reading of [...readings]) {
      const own = items.filter((item) => isFor(item, reading.actors));
      if (own.length === 0) continue;
      if (reading.early === null) reading.reader.take(own);
      else reading.early.push(...own.slice(0, Math.max(0, limits.feedKindsMax - reading.early.length)));
    }
  }

  function liveNow(name: LiveActor): ActorItem {
    const snapshot = options.actor(name)?.getSnapshot();
    const machine = { switchboard: 'switchboard', ingress: 'poller', outbox: 'outbox' }[String(name)] ?? null;
    return {
      ...{ kind: 'actor', actor: name, parent: name === 'switchboard' ? null : 'switchboard', machine, version: null },
      at: new Date(clock.now()).toISOString(),
      state: snapshot?.value ?? null,
      status: snapshot?.status ?? null,
      context: abridge(snapshot?.context ?? null),
    };
  }

  /** Null: there is no such conversation yet. */
  async function chatNow(actor: string): Promise<{ readonly item: ActorItem; readonly seq: number } | null> {
    const record = await options.conversation(actor.slice('chat:'.length));
    if (record === null) return null;
    const { machine, version, status, state, lastSeq, updatedAt } = record;
    const stands = { machine, version, status, state: JSON.parse(state), context: contextOf(record) };
    const at = new Date(updatedAt).toISOString();
    return { item: { kind: 'actor', actor, parent: 'conversations', at, ...stands }, seq: lastSeq };
  }

  async function begin(reading: Reading): Promise<void> {
    const chats = await Promise.all([...reading.actors].filter((actor) => actor.startsWith('chat:')).map(chatNow));
    const known = new Map(chats.flatMap((chat) => (chat === null ? [] : [[chat.item.actor, chat.seq] as const])));
    const early = reading.early ?? [];
    reading.early = null;
    if (!readings.has(reading)) return;
    const since = early.filter((item) => item.kind !== 'step' || item.seq > (known.get(item.actor) ?? 0));
    const live = LIVE_ACTORS.filter((name) => reading.actors.has(name)).map(liveNow);
    reading.reader.take([...live, ...chats.flatMap((chat) => chat?.item ?? []), ...since]);
  }

  function end(reading: Reading): void {
    if (!readings.delete(reading)) return;
    attach();
    reading.reader.end();
  }

  return {
    open({ keyId, actors, reader }) {
      if (readings.size >= limits.feedReadersMax) {
        const retryAfterMs = limits.reconnectMs;
        throw new SwitchboardError('overloaded', `The feed has ${readings.size} readers, the most`, { retryAfterMs });
      }
      const reading: Reading = { keyId, actors: new Set(actors), reader, early: [] };
      readings.add(reading);
      attach();
      // Where the journal cannot be read there is nothing to tell: the reader may come again.
      begin(reading).catch(() => end(reading));
      return () => {
        if (readings.delete(reading)) attach();
      };
    },
    endOf(keyId) {
      for (const reading of [...readings]) if (reading.keyId === keyId) end(reading);
    },
    close() {
      for (const reading of [...readings]) end(reading);
    },
  };
}

function isFor(item: FeedItem, actors: ReadonlySet<string>): boolean {
  if (item.kind === 'exchange') return actors.has(item.from) || actors.has(item.to);
  return actors.has(item.actor) || (item.kind === 'step' && actors.has('chats'));
}
