import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { createRehearsal, type Told } from './rehearsal.ts';
import type { ReplayedNote, ReplayedStep } from './replay.ts';
import type { Stepper } from './step.ts';

/**
 * A conversation as a test runs it again: a line of JSON for the head, and one for each event with what came of it. It
 * holds what users wrote, their names and ids, and what they were sent.
 */
const Head = Type.Object({
  about: Type.String(),
  /** The machine's name, and the version that was replayed. */
  machine: Type.String(),
  version: Type.String(),
  bot: Type.String(),
});
const Line = Type.Object({
  seq: Type.Number(),
  /** ms since 1970: the clock as it was. */
  at: Type.Number(),
  conversation: Type.String(),
  chat: Type.String(),
  /** Null: the conversation ended here without an event, to begin anew. */
  event: Type.Union([Type.Object({ type: Type.String() }), Type.Null()]),
  takes: Type.Union([Type.Object({ timer: Type.String() }), Type.Object({ request: Type.String() }), Type.Null()]),
  told: Type.Array(Type.Object({ type: Type.String() })),
  timers: Type.Array(Type.Object({ id: Type.String(), dueAt: Type.Number() })),
  requests: Type.Array(Type.Object({ id: Type.String(), src: Type.String(), input: Type.String() })),
});
export type FixtureHead = Static<typeof Head>;
export type FixtureLine = Static<typeof Line>;
const HeadShape = Compile(Head);
const LineShape = Compile(Line);

/** The first line of a fixture of what this machine comes to. */
export const fixtureHead = ({ name, version }: Stepper, bot: string): string =>
  JSON.stringify({
    about: "A replayed conversation: its user's words, name and ids, and what they were sent. npm run machines runs it",
    machine: name,
    version,
    bot,
  } satisfies FixtureHead);

/** The line of a fixture for what was replayed; null where nothing was stepped. */
export function fixtureLine(replayed: ReplayedStep | ReplayedNote): string | null {
  const { seq, at, conversation, chat } = replayed;
  const place = { seq, at, conversation, chat };
  if (replayed.kind === 'note') {
    if (!replayed.restart) return null;
    return JSON.stringify({
      ...place,
      event: null,
      takes: null,
      told: [],
      timers: [],
      requests: [],
    } satisfies FixtureLine);
  }
  const { event, takes, told, timers, requests } = replayed;
  return JSON.stringify({ ...place, event, takes, told, ...waits(timers, requests) });
}

const waits = (
  timers: readonly { readonly id: string; readonly dueAt: number }[],
  requests: readonly { readonly id: string; readonly src: string; readonly input: string }[],
) => ({
  timers: timers.map(({ id, dueAt }) => ({ id, dueAt })),
  requests: requests.map(({ id, src, input }) => ({ id, src, input })),
});

/** What a machine comes to at a line of a fixture, beside what the line says. */
export interface FixtureStep {
  /** Of the line in the file, from 2. */
  readonly line: number;
  readonly says: Pick<FixtureLine, 'takes' | 'timers' | 'requests'> & { readonly told: readonly unknown[] };
  readonly comes: Pick<FixtureLine, 'takes' | 'timers' | 'requests'> & { readonly told: readonly Told[] };
}

/**
 * Runs a fixture's events through a machine, with the clock as it was. `stepperOf` finds the machine by the name that the
 * head says. Throws where the file is no fixture.
 */
export async function* runFixture(
  lines: AsyncIterable<string>,
  stepperOf: (machine: string) => Promise<Stepper>,
): AsyncGenerator<FixtureStep> {
  let rehearsal: ReturnType<typeof createRehearsal> | null = null;
  let number = 0;
  for await (const text of lines) {
    number += 1;
    const value: unknown = JSON.parse(text);
    if (rehearsal === null) {
      if (!HeadShape.Check(value)) throw new TypeError('the file is no fixture of switchboard replay');
      rehearsal = createRehearsal(await stepperOf(value.machine), value.bot);
      continue;
    }
    if (!LineShape.Check(value)) throw new TypeError(`line ${number} is none of a fixture`);
    const { event, takes, told, timers, requests, ...place } = value;
    if (event === null) {
      rehearsal.restart();
      continue;
    }
    const known =
      takes === null || ('timer' in takes ? rehearsal.takeTimer(takes.timer) : rehearsal.takeRequest(takes.request));
    const came = known
      ? rehearsal.take(event, place, takes === null ? undefined : place.at)
      : { told: [], timers: [], requests: [] };
    yield {
      line: number,
      says: { takes, told, timers, requests },
      // Where nobody waits for that timer or answer, nothing takes it.
      comes: { takes: known ? takes : null, told: came.told, ...waits(came.timers, came.requests) },
    };
  }
}
