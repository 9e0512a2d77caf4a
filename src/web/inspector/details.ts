import type { Chart } from '../../inspector/inspector.ts';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { differences } from './difference.ts';
import { Json, short } from './json.ts';
import type { Life } from './life.ts';
import { timerName } from './steps.ts';
import { Ways } from './ways.ts';

/** Changes of a context that are told one by one. */
const CHANGES_MAX = 100;

/** What one step came to: the ways taken, what was asked for, what the context lost and gained. */
export function StepDetails({ life, chart }: { readonly life: Life; readonly chart: Chart | null }) {
  const step = life.step.value;
  if (step === null) return null;
  const before = life.stoodBefore.value;
  const ways = (chart?.nodes ?? [])
    .flatMap(({ transitions }) => transitions)
    .filter(({ id }) => step.transitions.includes(id))
    .sort((a, b) => step.transitions.indexOf(a.id) - step.transitions.indexOf(b.id));
  const changes = differences(before?.context ?? null, step.after.context);
  const calls = step.told.map(fieldsOf).filter(({ type }) => type !== 'chat.moved');
  const timers = step.after.timers.filter(
    ({ id, due_at: due }) => !before?.timers.some((one) => one.id === id && one.due_at === due),
  );
  const requests = step.after.requests.filter(({ id }) => !before?.requests.some((one) => one.id === id));
  return html`
    <section aria-label="What this step did" class="details">
      <h3>Event</h3>
      ${step.cause === 'note' ? html`<p>${step.note}</p>` : html`<${Json} value=${step.event} open=${false} />`}
      <${Ways} title="Ways taken" ways=${ways} />
      ${calls.length + timers.length + requests.length === 0 ? null : html`<h3>Asked for</h3>`}
      ${calls.map(({ type, method, params, event, error }) => html`<${Asked} what=${String(method ?? type)} about=${fieldsOf(params).text ?? params ?? event ?? error} />`)}
      ${timers.map(({ id, due_at: due }) => html`<${Asked} what="timer" about=${`${timerName(id)}, due ${new Date(due).toLocaleString()}`} />`)}
      ${requests.map(({ src, input }) => html`<${Asked} what=${`asks ${src}`} about=${input} />`)}
      <h3>Context</h3>
      ${changes.length === 0 ? html`<p class="muted">unchanged</p>` : null}
      <ul class="changes">
        ${changes.slice(0, CHANGES_MAX).map(
          ({ path, before: was, after: is }) => html`
          <li><span class="mono">${path === '' ? 'context' : path}</span>
            <del class="mono" dir="auto">${short(was)}</del> <ins class="mono" dir="auto">${short(is)}</ins></li>`,
        )}
      </ul>
      ${changes.length > CHANGES_MAX ? html`<p class="muted">and ${changes.length - CHANGES_MAX} more changes</p>` : null}
    </section>
  `;
}

function Asked({ what, about }: { readonly what: string; readonly about: unknown }) {
  return html`<p class="asked"><span class="tag accent">${what}</span> <span dir="auto">${typeof about === 'string' ? about : short(about, 200)}</span></p>`;
}
