import type { Clock } from '../clock.ts';
import type { Standing, StepPage, StepQuery, TravelStep } from '../inspector/inspector.ts';
import { limits } from '../limits.ts';
import { type Checkpoint, createRehearsal } from './rehearsal.ts';
import { type ReplayedNote, type ReplayedStep, type ReplayOptions, replay } from './replay.ts';

export interface TravelOptions extends Pick<ReplayOptions, 'journal' | 'conversation' | 'chat' | 'stepper' | 'perOf'> {
  /** Gives the ids of the transitions that the stepper took since it was asked last. */
  readonly taken: () => string[];
  readonly clock: Clock;
}

/** A place that a life can be gone on from: all before `from` has been stepped. */
interface Place {
  readonly from: number;
  readonly still: boolean;
  readonly checkpoint: Checkpoint;
  /** Steps before it. */
  readonly steps: number;
}

/** A step as it is kept until it is known whether the page has it: what costs is made then. */
interface Frame {
  readonly replayed: ReplayedStep | ReplayedNote;
  readonly transitions: readonly string[];
  readonly after: Checkpoint;
}

/**
 * The way back and forth through one conversation's life: its journal, stepped again (replay.ts). Places on the way are
 * remembered, so that a page in the middle of a long life costs a few hundred steps, and the way to its end is gone
 * once. It is gone in slices, and an answer comes within limits.travelAnswerMs. One query at a time: it has one stepper.
 */
export function createTravel(options: TravelOptions) {
  const { journal, stepper, clock } = options;
  const begin: Place = { from: 1, still: false, checkpoint: { record: null, timers: [], requests: [] }, steps: 0 };
  let places: readonly Place[] = [begin];
  let every: number = limits.travelPlaceEvery;
  let turn: Promise<unknown> = Promise.resolve();
  let cutOff = false;

  function remember(place: Place, atLeast: number): void {
    const last = places.at(-1) ?? begin;
    if (place.steps < last.steps + atLeast) return;
    places = [...places, place];
    while (places.length > 2 && (places.length > limits.travelPlacesMax || heldBy(places) > limits.travelLengthMax)) {
      places = places.filter((_, n) => n % 2 === 0);
      every *= 2;
    }
  }

  /** Where to begin, if it can be so that a page lies between there and the steps asked for. */
  function placeFor({ after, before, limit }: StepQuery): Place {
    if (after !== null) return places.findLast(({ from }) => from <= after + 1) ?? begin;
    const known = places.filter(({ from }) => before === null || from <= before);
    const nearest = known.at(-1) ?? begin;
    // Who was cut off on the way goes on: a page of few steps is better than none for ever.
    if (cutOff) return nearest;
    const roomy = known.findLast(({ steps }) => steps + limit <= nearest.steps) ?? begin;
    return nearest.steps - roomy.steps <= limits.travelDetourMax ? roomy : nearest;
  }

  async function stepsOf(query: StepQuery): Promise<StepPage> {
    const { after, before, limit } = query;
    const deadline = clock.steadyNow() + limits.travelAnswerMs;
    let slice = clock.steadyNow() + limits.travelSliceMs;
    const place = placeFor(query);
    const rehearsal = createRehearsal(stepper, journal.bot, place.checkpoint);
    let frontier = place;
    let { steps: stepped, checkpoint: standing } = place;
    let earlier = place.steps > 0;
    let later = false;
    let complete = true;
    let frames: Frame[] = [];
    let length = 0;
    const onPlace = ({ from, still }: Pick<Place, 'from' | 'still'>): void => {
      frontier = { from, still, checkpoint: rehearsal.checkpoint(), steps: stepped };
      remember(frontier, every);
    };
    options.taken();
    const start = { from: place.from, rehearsal, still: place.still };
    for await (const replayed of replay({ ...options, start, onPlace })) {
      const frame: Frame = { replayed, transitions: options.taken(), after: rehearsal.checkpoint() };
      // What a replay says at its end, of what still waits: how it stands tells that here.
      if (replayed.kind === 'note' && replayed.seq === 0) continue;
      if ((before !== null && replayed.seq >= before) || (after !== null && isFull(frames, length, limit, replayed))) {
        later = true;
        break;
      }
      stepped += 1;
      if (after !== null && replayed.seq <= after) {
        standing = frame.after;
        earlier = true;
      } else {
        frames.push(frame);
        length += lengthOf(frame.after);
      }
      while (after === null && frames.length > 1 && (frames.length > limit || length > limits.travelLengthMax)) {
        const [oldest] = frames.splice(0, 1);
        standing = oldest?.after ?? standing;
        length -= lengthOf(standing);
        earlier = true;
      }
      if (clock.steadyNow() < slice) continue;
      if (clock.steadyNow() >= deadline) {
        complete = false;
        remember(frontier, 1);
        break;
      }
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 1));
      slice = clock.steadyNow() + limits.travelSliceMs;
    }
    cutOff = !complete;
    // Those on the way to the end are not what was asked for.
    if (!complete && after === null) frames = [];
    const { first } = journal.bounds();
    return {
      ...{ steps: frames.map(stepOf), before: standingOf(standing), earlier, later: later || !complete },
      ...{ complete, stepped, begins_at: first > 1 ? first : null },
    };
  }

  return (query: StepQuery): Promise<StepPage> => {
    const page = turn.then(() => stepsOf(query));
    turn = page.catch(() => {});
    return page;
  };
}

/** Steps of one seq are never parted. */
const isFull = (frames: readonly Frame[], length: number, limit: number, { seq }: { readonly seq: number }): boolean =>
  frames.length > 0 &&
  (frames.length >= limit || length > limits.travelLengthMax) &&
  Math.ceil(seq) > Math.ceil(frames.at(-1)?.replayed.seq ?? 0);

const lengthOf = ({ record }: Checkpoint): number => record?.snapshot.length ?? 0;

const heldBy = (places: readonly Place[]): number =>
  places.reduce((length, { checkpoint }) => length + lengthOf(checkpoint), 0);

function stepOf({ replayed, transitions, after }: Frame): TravelStep {
  const { seq, at, departs } = replayed;
  const common = { seq, at: new Date(at).toISOString(), departs, after: standingOf(after) };
  if (replayed.kind === 'note') {
    return { ...common, cause: 'note', event: null, note: replayed.text, transitions: [], told: [] };
  }
  const { cause, event, told } = replayed;
  return { ...common, cause, event, note: '', transitions: [...transitions], told: [...told] };
}

/** How it stands, for people to read. */
export function standingOf({
  record,
  timers,
  requests,
}: Pick<Checkpoint, 'record' | 'requests'> & {
  readonly timers: readonly { readonly id: string; readonly dueAt: number; readonly event: string }[];
}): Standing {
  const snapshot: unknown = record === null ? null : JSON.parse(record.snapshot);
  const context = typeof snapshot === 'object' && snapshot !== null && 'context' in snapshot ? snapshot.context : null;
  return {
    state: record === null ? null : JSON.parse(record.state),
    status: record?.status ?? null,
    context,
    timers: timers
      .toSorted((a, b) => a.dueAt - b.dueAt)
      .map(({ id, dueAt, event }) => ({ id, due_at: new Date(dueAt).toISOString(), event: JSON.parse(event) })),
    requests: requests.map(({ id, src, input, createdAt }) => ({
      ...{ id, src, input: JSON.parse(input) },
      since: new Date(createdAt).toISOString(),
    })),
  };
}

export type Travel = ReturnType<typeof createTravel>;
