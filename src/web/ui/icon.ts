import { html } from './html.ts';

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
  first: 'M3 3v10M13 8H6m3-3.5L5.5 8 9 11.5',
  stepBack: 'M13 8H4m3.5-3.5L4 8l3.5 3.5',
  stepForth: 'M3 8h9m-3.5-3.5L12 8l-3.5 3.5',
  again: 'M12.5 6A5 5 0 1 0 13 8.5M12.8 2.5V6H9.3',
  edit: 'M3 13l.7-3L10.500 3.200l2.300 2.300L6 12.300z',
  send: 'M2.500 8h10M8.500 3.800 12.700 8l-4.200 4.200',
  attach: 'M12.500 7.500 8 12a3 3 0 0 1-4.300-4.300l5-5a2 2 0 0 1 2.900 2.900l-5 5a1 1 0 0 1-1.400-1.400l4-4',
  plus: 'M8 3v10M3 8h10',
  trouble: 'M8.500 1.500 3.500 9H7l-.5 5.500L12.500 6.500H8.500z',
  did: 'M3 4h10M3 8h7M3 12h10',
  leave: 'M6 4H4v8h8v-2M8.500 3H13v4.500M13 3 7.500 8.500',
} as const;

/** One of the signs, as large as the letters beside it. */
export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
