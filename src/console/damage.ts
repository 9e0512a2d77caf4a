import { storageFault } from '../storage-fault.ts';

/** Whether an error says that a database's file is damaged, or shorter than it says; also of one that came out of a thread. */
export const isDamage = (error: unknown): boolean => storageFault(error)?.code === 'data_damaged';
