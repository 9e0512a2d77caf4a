import { join } from 'node:path';

export const MACHINES = join(import.meta.dirname, '..', '..', 'machines');

/**
 * The product's own files in machines/: `npm test` looks at these. Whatever else lies there is its author's, and `npm run
 * machines` tries it. A new file of the product is named here and in .biome.json.
 */
export const PRODUCT_FILES = [
  'events.ts',
  'outbox.machine.ts',
  'payment-answer.ts',
  'payment-context.ts',
  'payment-draft.ts',
  'payment-input.ts',
  'payment-texts.ts',
  'payment.machine.ts',
  'poller.machine.ts',
] as const;

export const PRODUCT_MACHINES: readonly string[] = PRODUCT_FILES.filter((file) => file.endsWith('.machine.ts'));
