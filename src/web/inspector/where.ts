import { signal } from '@preact/signals';

/** What is looked at, as the address says it after the `#`: a link leads to the same machine, state and chat. */
export interface Where {
  readonly machine: string | null;
  readonly state: string | null;
  readonly chat: string | null;
  /** `sequence`: what is sent, in place of the chart. */
  readonly view: string | null;
}

function read(): Where {
  const fields = new URLSearchParams(location.hash.slice(1));
  return {
    machine: fields.get('machine'),
    state: fields.get('state'),
    chat: fields.get('chat'),
    view: fields.get('view'),
  };
}

export const where = signal<Where>(read());
addEventListener('hashchange', () => {
  where.value = read();
});

/** Looks at something else; what is left out stays. */
export function look(change: Partial<Where>): void {
  const next = { ...where.value, ...change };
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(next)) if (value !== null) fields.set(name, value);
  location.hash = fields.toString();
  where.value = next;
}
