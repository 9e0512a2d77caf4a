import { html } from '../ui/html.ts';

/** A JSON value as a tree that opens and closes. Texts are text, whatever is in them. */
export function Json({
  value,
  name,
  open = true,
}: {
  readonly value: unknown;
  readonly name?: string;
  readonly open?: boolean;
}) {
  const key = name === undefined ? null : html`<span class="key">${name}: </span>`;
  if (typeof value !== 'object' || value === null) {
    return html`<div class="leaf">${key}<span class=${`value ${typeof value}`} dir="auto">${JSON.stringify(value) ?? 'undefined'}</span></div>`;
  }
  const entries = Object.entries(value);
  const [begin, end] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (entries.length === 0) return html`<div class="leaf">${key}<span class="value">${begin}${end}</span></div>`;
  return html`
    <details class="branch" open=${open}>
      <summary>${key}<span class="muted">${begin}${entries.length}${end}</span></summary>
      ${entries.map(([inner, one]) => html`<${Json} key=${inner} name=${inner} value=${one} open=${false} />`)}
    </details>
  `;
}

/** A JSON value in one short line. */
export function short(value: unknown, length = 60): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
