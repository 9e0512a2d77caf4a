/** One place where two JSON values differ: by its path, `draft.amount`. Undefined: it was, or is, not there. */
export interface Difference {
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** Where two JSON values differ, as deep down as can be told. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (Object.is(before, after)) return [];
  if (isFields(before) && isFields(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], path === '' ? key : `${path}.${key}`));
  }
  return [{ path, before, after }];
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** The paths of all states that a state value is in: `{"a":"b"}` is in a and a.b. */
export function statesIn(value: unknown, within = ''): string[] {
  if (typeof value === 'string') return [within + value];
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [within + key, ...statesIn(inner, `${within}${key}.`)]);
}

/** From where to where, of several regions those that moved; null where none did. */
export function moveOf(before: unknown, after: unknown): { readonly from: string; readonly to: string } | null {
  const [was, is] = [leavesOf(before), leavesOf(after)];
  const [left, entered] = [was.filter((path) => !is.includes(path)), is.filter((path) => !was.includes(path))];
  if (left.length + entered.length === 0) return null;
  return { from: left.join(', ') || (was.length === 0 ? 'not begun' : '…'), to: entered.join(', ') || '…' };
}

function leavesOf(value: unknown): string[] {
  const all = statesIn(value);
  return all.filter((path) => !all.some((other) => other.startsWith(`${path}.`)));
}

/** A state value as a person reads it: `underWay.asking`, `cart.full, till.open`. */
export function stateText(value: unknown): string {
  if (value === null || value === undefined) return 'not begun';
  return leavesOf(value).join(', ');
}
