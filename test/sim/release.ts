/** What is deployed: a version of the machine, and whether what `boom` meets with has been mended in it. */
export interface Release {
  readonly version: Version;
  readonly mended: boolean;
}

export const VERSIONS = ['1', '2', '3'] as const;
export type Version = (typeof VERSIONS)[number];
export const FIRST: Release = { version: '1', mended: false };

/** What becomes of a conversation that does not fit the version of today. */
export const UNFIT = ['quarantine', 'keep', 'restart'] as const;
export type Unfit = (typeof UNFIT)[number];

/** How the messages begin by which users are told that their conversation begins anew: each is numbered. */
export const ANEW = 'Begin anew';

/**
 * What each version calls some of its states, and what it asks beside. `migrate` knows the names of `waiting` and
 * `beside`, and no others: a conversation that asks, or does both, does not fit the third version, and one that is left
 * there in such a state fits no other.
 */
export const NAMES: Readonly<Record<Version, Readonly<Record<'waiting' | 'beside' | 'asking' | 'both', string>>>> = {
  1: { waiting: 'waiting', beside: 'lookBeside', asking: 'asking', both: 'both' },
  2: { waiting: 'napping', beside: 'peek', asking: 'asking', both: 'both' },
  3: { waiting: 'waiting', beside: 'lookBeside', asking: 'looking', both: 'pair' },
};
