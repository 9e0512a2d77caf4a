import { limits } from '../limits.ts';

/**
 * Why a call's JSON value is too much to look into: it is nested too deep, or has too many values. Null: it is not.
 * Without recursion: what is nested deep enough would exhaust the stack of whoever goes through it level by level, as
 * JSON.stringify does.
 */
export function excessOf(value: unknown): string | null {
  let level = [value];
  let values = 0;
  for (let depth = 0; level.length > 0; depth += 1) {
    values += level.length;
    if (values > limits.callValuesMax) return `has more than ${limits.callValuesMax} values`;
    const objects = level.filter((one) => typeof one === 'object' && one !== null);
    if (objects.length > 0 && depth === limits.callDepthMax)
      return `is nested deeper than ${limits.callDepthMax} levels`;
    level = objects.flatMap((one) => Object.values(Object(one)));
  }
  return null;
}
