import { html } from '../ui/html.ts';

/** Small signs as drawings: a font may lack them. */
const PATHS = {
  first: 'M3 3v10M13 8H6m3-3.5L5.5 8 9 11.5',
  back: 'M13 8H4m3.5-3.5L4 8l3.5 3.5',
  forth: 'M3 8h9m-3.5-3.5L12 8l-3.5 3.5',
  close: 'M4 4l8 8M12 4l-8 8',
  again: 'M12.5 6A5 5 0 1 0 13 8.5M12.8 2.5V6H9.3',
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
