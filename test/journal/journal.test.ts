import { journalContract } from './contract.ts';
import { forEachEngine } from './engine.ts';

forEachEngine(journalContract);
