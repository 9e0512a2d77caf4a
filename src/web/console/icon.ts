import { html } from '../ui/html.ts';

/** Small signs as drawings: a font may lack them. */
const PATHS = {
  back: 'M10 3L5 8l5 5',
  link: 'M6.5 9.5l3-3M7 4.5l1.3-1.3a2.6 2.6 0 013.7 3.7L10.7 8.2M9 11.5l-1.3 1.3A2.6 2.6 0 014 9.1l1.3-1.3',
  down: 'M8 3v9m-4-4l4 4 4-4',
  clock: 'M8 4.5V8l2.5 1.5M14 8A6 6 0 112 8a6 6 0 0112 0z',
  file: 'M4 2h5l3 3v9H4zM9 2v3h3',
  chart: 'M2 13h12M4 11V7m4 4V3m4 8V9',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5l3.2 3.2L13 4.5',
  alert: 'M8 4.5v4m0 2.4v.1M14 8A6 6 0 112 8a6 6 0 0112 0z',
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
