import type { Chart } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import type { Counts } from './answers.ts';

/** Chats in a state, of every status. */
export function totalOf(counts: Counts | null, path: string): number {
  const { active = 0, done = 0, quarantined = 0 } = counts?.states.find((one) => one.path === path) ?? {};
  return active + done + quarantined;
}

interface CountedProps {
  readonly counts: Counts | null;
  readonly path: string;
  readonly chart: Chart;
  readonly onState: (path: string) => void;
}

/** How many chats are in a state, of which status, and in which of the states within. */
export function Counted({ counts, path, chart, onState }: CountedProps) {
  if (counts === null) return null;
  const { done = 0, quarantined = 0 } = counts.states.find((one) => one.path === path) ?? {};
  const total = totalOf(counts, path);
  const known = new Set(chart.nodes.map((node) => node.path));
  const elsewhere = path === '' ? counts.states.filter((one) => !known.has(one.path)) : [];
  const within = chart.nodes.filter(
    ({ path: inner, type }) => type !== 'history' && inner !== path && (path === '' || inner.startsWith(`${path}.`)),
  );
  const isOld = counts.complete && counts.counted > 5000;
  return html`
    <section aria-label="Counts">
      <p class="counts">
        <b>${total.toLocaleString()}</b> ${total === 1 ? 'chat' : 'chats'}
        ${done === 0 ? null : html`<span class="tag">${done.toLocaleString()} at an end</span>`}
        ${quarantined === 0 ? null : html`<span class="tag bad">${quarantined.toLocaleString()} quarantined</span>`}
        ${isOld ? html`<span class="muted as-of">at ${new Date(counts.at ?? 0).toLocaleTimeString()}</span>` : null}
      </p>
      ${counts.complete ? null : html`<p class="muted" role="status">Counting: ${counts.counted.toLocaleString()} chats looked at so far.</p>`}
      <ul class="tally">
        ${within.map(({ path: inner }) => {
          const here = totalOf(counts, inner);
          const share = `${total === 0 ? 0 : (here / total) * 100}%`;
          return html`<li key=${inner} class="tally-row" style=${{ '--share': share }}><button class="button quiet tally-item" type="button" onClick=${() => onState(inner)}>
            <span>${inner}</span><span class="number">${here.toLocaleString()}</span></button></li>`;
        })}
      </ul>
      ${elsewhere.map((one) => html`<p class="notice">${one.active + one.done + one.quarantined} in ${one.path}, a state of another version</p>`)}
    </section>
  `;
}
