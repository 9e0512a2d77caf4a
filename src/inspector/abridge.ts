const [DEPTH_MAX, TEXT_MAX, ITEMS_MAX, FIELDS_MAX] = [4, 200, 3, 30];

/**
 * A value as it is shown in passing: what is long or deep is cut, and said to be; what is no data is left out. Looks at
 * no more of it than it gives.
 */
export function abridge(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length <= TEXT_MAX ? value : `${value.slice(0, TEXT_MAX)}…`;
  if (typeof value === 'function' || typeof value === 'symbol' || value === undefined) return undefined;
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return { message: abridge(value.message) };
  if (depth >= DEPTH_MAX) return '…';
  if (Array.isArray(value)) {
    const some = value.slice(0, ITEMS_MAX).map((item) => abridge(item, depth + 1) ?? null);
    return value.length <= ITEMS_MAX ? some : [...some, `… ${value.length - ITEMS_MAX} more`];
  }
  const short: Record<string, unknown> = {};
  let n = 0;
  for (const [key, item] of Object.entries(value)) {
    if (n === FIELDS_MAX) {
      short['…'] = 'more';
      break;
    }
    const inner = abridge(item, depth + 1);
    if (inner === undefined) continue;
    n += 1;
    short[key] = inner;
  }
  // Of functions alone: who waits for an answer.
  return n === 0 && Object.keys(value).length > 0 ? undefined : short;
}
