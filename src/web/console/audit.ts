import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import type { AuditEntry } from './answers.ts';
import * as answers from './answers.ts';
import { failureText, fullTime, shortWhen } from './words.ts';

/** What was done by whom, for admins: read when it is opened, and further back on demand. */
export function AuditLog() {
  const [entries, setEntries] = useState<readonly AuditEntry[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [failure, setFailure] = useState('');
  const load = (after: number | null): void => {
    answers.audit(after).then(
      (page) => {
        setEntries((known) => (after === null ? page.entries : [...known, ...page.entries]));
        setNext(page.next);
        setFailure('');
      },
      (error) => setFailure(failureText(error)),
    );
  };
  const onToggle = ({ currentTarget }: { readonly currentTarget: HTMLDetailsElement }): void => {
    if (currentTarget.open) load(null);
  };
  return html`
    <details class="audit" onToggle=${onToggle}>
      <summary>Audit log</summary>
      <ul aria-label="Audit log">${entries.map(
        ({ seq, at, act, name, key, from, subject, detail, count }) => html`<li key=${seq}>
          <span><b>${act}</b>${count === 1 ? null : html` <span class="tag">${count} times</span>`} <time class="muted" datetime=${at} title=${fullTime(at)}>${shortWhen(at)}</time></span>
          <span dir="auto">${[name ?? key, from].filter((part) => part !== null).join(', ')}</span>
          ${subject === null ? null : html`<span class="muted">${subject}</span>`}
          ${detail === null ? null : html`<span class="muted" dir="auto">${JSON.stringify(detail)}</span>`}
        </li>`,
      )}</ul>
      ${next === null ? null : html`<button class="button" type="button" onClick=${() => load(next)}>Older</button>`}
      ${failure === '' ? null : html`<p class="notice bad" role="alert">${failure}</p>`}
    </details>
  `;
}
