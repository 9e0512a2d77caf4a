/**
 * Whether a value of JSON is nested deeper than so many levels. Without recursion: what is nested deep enough would
 * exhaust the stack of whoever goes through it level by level, as JSON.stringify does.
 */
export function nestedDeeperThan(levels: number, value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    const objects = level.filter((one) => typeof one === 'object' && one !== null);
    if (objects.length > 0 && depth === levels) return true;
    level = objects.flatMap((one) => Object.values(Object(one)));
  }
  return false;
}
