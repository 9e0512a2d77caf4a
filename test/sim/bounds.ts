import { limits } from '../../src/limits.ts';

/** Bounds so low that a small world meets them: what happens there is part of what must hold. */
const TIGHT = {
  groupCommitJobsMax: 2,
  groupCommitPatientBeside: 1,
  commitQueueMax: 5,
  conversationsSavedAtOnceMax: 1,
  conversationsOnTheWayMax: 2,
  conversationsOnTheWayLengthMax: 1,
  conversationsSliceMin: 1,
  trimUnitsMax: 1,
  readEntriesMax: 3,
  liveConversationsMax: 1,
  liveConversationsLengthMax: 1,
  timersPerUnitMax: 1,
  heldEventsPerUnit: 2,
  sweepPageMax: 1,
  sweepUnitMax: 1,
  requestsInFlightMax: 1,
  requestsInFlightAllMax: 1,
  requestSrcsPerLook: 1,
  requestsRestingMax: 1,
  outboxDuePerUnitMax: 1,
  laneTombstonesMax: 2,
  sendsInFlightMax: 2,
  sendsForRepliesMin: 1,
  claimLooksMax: 1,
  messageWaitersMax: 1,
  broadcastEntriesMax: 4,
  sharedChunksMax: 1,
  readerBufferBytes: 300,
  readersPerTick: 1,
  replayPagesMax: 1,
} satisfies Partial<Record<keyof typeof limits, number>>;

/** Runs a world within the real bounds, or within tight ones. */
export async function within<T>(tight: boolean, run: () => Promise<T>): Promise<T> {
  if (!tight) return run();
  const real = { ...limits };
  Object.assign(limits, TIGHT);
  try {
    return await run();
  } finally {
    Object.assign(limits, real);
  }
}
