import { SwitchboardError } from '../errors.ts';
import { storageFault } from '../storage-fault.ts';

/**
 * Whether an error says that the index's file is damaged, or shorter than it says; also of one that came out of a thread.
 * The journal's damage is a SwitchboardError, and no reason to make the index anew.
 */
export const isIndexDamage = (error: unknown): boolean =>
  !(error instanceof SwitchboardError) && storageFault(error)?.code === 'data_damaged';

/** Whether it says that the journal is damaged; also of one that came out of a thread. */
export const isJournalDamage = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && error.code === 'data_damaged';
