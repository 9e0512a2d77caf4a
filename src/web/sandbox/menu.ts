import type { ComponentChildren } from 'preact';
import { html } from '../ui/html.ts';

interface MenuProps {
  readonly label: string;
  /** Opens upwards: for what stands at the foot of the page. */
  readonly up?: boolean;
  readonly sign: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** A few things to choose from. It closes once one is chosen, with Escape, and with a click elsewhere. */
export function Menu({ label, up = false, sign, children }: MenuProps) {
  return html`
    <details class=${up ? 'menu up' : 'menu'} onToggle=${closeOnLeave}>
      <summary class="button quiet" aria-label=${label} title=${label}>${sign}</summary>
      <div class="menu-list panel" onClick=${closeMenu}>${children}</div>
    </details>
  `;
}

function closeMenu(event: Event): void {
  const { target, currentTarget } = event;
  if (!(target instanceof Element && currentTarget instanceof Element) || target.closest('button') === null) return;
  const menu = currentTarget.closest('details');
  if (menu !== null) menu.open = false;
}

function closeOnLeave(event: Event): void {
  const menu = event.currentTarget;
  if (!(menu instanceof HTMLDetailsElement) || !menu.open) return;
  const left = new AbortController();
  const leave = (other: Event): void => {
    const within = other.target instanceof Node && menu.contains(other.target);
    const isLeaving = other instanceof KeyboardEvent ? other.key === 'Escape' : !within;
    if (isLeaving) menu.open = false;
    if (!menu.open) left.abort();
  };
  for (const type of ['keydown', 'pointerdown'] as const)
    document.addEventListener(type, leave, { signal: left.signal });
}
