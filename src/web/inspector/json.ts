import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';

/** Fields of one object that are shown; a page with more of them would be slow, and nobody reads them. */
const SHOWN_MAX = 200;

/** A JSON value as a tree that opens and closes. Texts are text, whatever is in them. */
export function Json({
  value,
  name,
  open: opened = true,
}: {
  readonly value: unknown;
  readonly name?: string;
  readonly open?: boolean;
}) {
  const [open, setOpen] = useState(opened);
  const key = name === undefined ? null : html`<span class="key">${name}: </span>`;
  if (typeof value !== 'object' || value === null) {
    return html`<div class="leaf">${key}<span class=${`value ${typeof value}`} dir="auto">${JSON.stringify(value) ?? 'undefined'}</span></div>`;
  }
  const entries = Object.entries(value);
  const [begin, end] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) return html`<div class="leaf">${key}<span class="value">${begin}${end}</span></div>`;
  const onToggle = (event: Event): void => setOpen((event.currentTarget as HTMLDetailsElement).open);
  // What is closed is not there: a context may be large.
  const within = open ? entries.slice(0, SHOWN_MAX) : [];
  return html`
    <details class="branch" open=${open} onToggle=${onToggle}>
      <summary>${key}<span class="muted">${begin}${entries.length}${end}</span></summary>
      ${within.map(([inner, one]) => html`<${Json} key=${inner} name=${inner} value=${one} open=${false} />`)}
      ${open && entries.length > SHOWN_MAX ? html`<div class="leaf muted">and ${entries.length - SHOWN_MAX} more</div>` : null}
    </details>
  `;
}

/** A JSON value in one short line. */
export function short(value: unknown, length = 60): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
