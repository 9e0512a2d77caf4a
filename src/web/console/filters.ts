import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import type { Filter, StateCount } from './answers.ts';
import * as answers from './answers.ts';
import type { Chats } from './chats.ts';
import { numberText } from './words.ts';

const KINDS: readonly (readonly [Filter['kind'], string])[] = [
  ['all', 'All chats'],
  ['unread', 'Unread'],
  ['quarantined', 'Standing still'],
  ['unknown', 'Unknown messages'],
  ['scheduled', 'Scheduled messages'],
];

/** Which chats the list shows. */
export function Filters({ chats }: { readonly chats: Chats }) {
  const [states, setStates] = useState<readonly StateCount[]>([]);
  const { kind, machine, state } = chats.filter.value;
  // As of when one looks: with many chats it is a count.
  const load = (): void =>
    void answers.states().then(
      (found) => setStates(found.states),
      () => {},
    );
  const optionOf = (of: string, at: string): string => JSON.stringify([of, at]);
  const choose = (event: Event): void => {
    const { value } = event.target as HTMLSelectElement;
    const [of = null, at = null]: readonly (string | null)[] = value === '' ? [] : JSON.parse(value);
    chats.choose({ machine: of, state: at });
  };
  const chosen = machine === null ? '' : optionOf(machine, state ?? '');
  const known = states.some((one) => optionOf(one.machine, one.state) === chosen);
  return html`
    <div class="filters">
      <select aria-label="Which chats" value=${kind} onChange=${(event: Event) => chats.choose({ kind: (event.target as HTMLSelectElement).value as Filter['kind'] })}>
        ${KINDS.map(([value, label]) => html`<option value=${value}>${label}</option>`)}
      </select>
      <select aria-label="State" value=${chosen} onFocus=${load} onPointerDown=${load} onChange=${choose}>
        <option value="">Any state</option>
        ${known || machine === null ? null : html`<option value=${chosen}>${state}</option>`}
        ${states.map((one) => html`<option value=${optionOf(one.machine, one.state)}>${`${one.machine}: ${one.state || 'not begun'} (${numberText(one.chats)})`}</option>`)}
      </select>
    </div>
  `;
}
