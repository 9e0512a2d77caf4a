/** Reading JSON that others wrote: what is absent, or of another type, is simply not known. */
export type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
export const textOrNull = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
export const wholeOrNull = (value: unknown): number | null =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : null;

export const wholesOf = (value: unknown): number[] =>
  listOf(value)
    .map(wholeOrNull)
    .filter((one) => one !== null);

/** A state value as people read it: `idle`, `underWay.asking`, `ordered.paying | ordered.packing`. */
export function stateText(value: unknown): string {
  if (typeof value === 'string') return value;
  const parts = Object.entries(fieldsOf(value)).map(([key, inner]) => {
    const within = stateText(inner);
    return within === ''
      ? key
      : within
          .split(' | ')
          .map((one) => `${key}.${one}`)
          .join(' | ');
  });
  return parts.join(' | ');
}
