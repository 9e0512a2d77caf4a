import { describe } from 'vitest';
import { conversationsContract } from './contract-conversations.ts';
import { cursorsContract } from './contract-cursors.ts';
import { durabilityContract } from './contract-durability.ts';
import { erasingContract } from './contract-erasing.ts';
import { fencingContract } from './contract-fencing.ts';
import { heldContract } from './contract-held.ts';
import { outboxContract } from './contract-outbox.ts';
import { readsContract } from './contract-reads.ts';
import { timersContract } from './contract-timers.ts';
import { trimContract } from './contract-trim.ts';
import { volumeContract } from './contract-volume.ts';
import { writesContract } from './contract-writes.ts';
import type { OpenEngine } from './engine.ts';

/** All that src/journal/journal.ts promises, of any engine. */
export function journalContract(openEngine: OpenEngine): void {
  describe('units of work', () => writesContract(openEngine));
  describe('one writer', () => fencingContract(openEngine));
  describe('what is kept', () => durabilityContract(openEngine));
  describe('reading', () => readsContract(openEngine));
  describe('conversations', () => conversationsContract(openEngine));
  describe('timers, requests and answers', () => timersContract(openEngine));
  describe('quarantined conversations', () => heldContract(openEngine));
  describe('cursors', () => cursorsContract(openEngine));
  describe('the outbox', () => outboxContract(openEngine));
  describe('what is taken away', () => trimContract(openEngine));
  describe('what is erased', () => erasingContract(openEngine));
  describe('much of it', () => volumeContract(openEngine));
}
