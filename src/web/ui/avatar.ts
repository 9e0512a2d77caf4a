import { html } from './html.ts';
import { firstVisible } from './visible.ts';

/** A face: initials on a colour of its own. `name` null: there is none. */
export function Avatar({
  id,
  name,
  small = false,
}: {
  readonly id: number | string;
  readonly name: string | null;
  readonly small?: boolean;
}) {
  const hue = (hashOf(String(id)) * 137) % 360;
  return html`<span class=${small ? 'avatar small' : 'avatar'} style=${{ '--hue': String(hue) }} aria-hidden="true">${initialsOf(name, String(id))}</span>`;
}

/** Ids that follow each other are far apart once it is multiplied. */
const hashOf = (id: string): number => [...id].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 360, 0);

/** The first letters of a name; of an id its last digits. */
function initialsOf(name: string | null, id: string): string {
  const letters = (name ?? '')
    .split(/\s+/)
    .map(firstVisible)
    .filter((letter) => letter !== '');
  if (letters.length === 0) return id.slice(-2);
  return `${letters[0]}${letters.length > 1 ? letters.at(-1) : ''}`;
}
