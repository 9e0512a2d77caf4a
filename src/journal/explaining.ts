import { storageFault } from '../storage-fault.ts';

/** An error of the disk or the database in our words, as storageFault gives it; any other as it is. */
export const inOurWords = (error: unknown): unknown => storageFault(error) ?? error;

/** The same object, each of whose methods, and each generator that they give, throws what `explained` makes of an error. */
export function explaining<T extends object>(target: T, explained: (error: unknown) => unknown): T {
  const failed = (error: unknown): never => {
    throw explained(error);
  };
  function* iterated(generator: Iterable<unknown>): Generator<unknown> {
    try {
      yield* generator;
    } catch (error) {
      failed(error);
    }
  }
  for (const [name, method] of Object.entries(target)) {
    if (typeof method !== 'function') continue;
    Reflect.set(target, name, (...args: unknown[]) => {
      try {
        const result: unknown = method(...args);
        if (result instanceof Promise) return result.catch(failed);
        return isGenerator(result) ? iterated(result) : result;
      } catch (error) {
        return failed(error);
      }
    });
  }
  return target;
}

const isGenerator = (value: unknown): value is Generator =>
  typeof value === 'object' && value !== null && Symbol.iterator in value && 'next' in value;
