import type { TravelStep } from '../../inspector/inspector.ts';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { differences, moveOf, stateText } from './difference.ts';
import { duration } from './graph.ts';
import { Icon } from './icon.ts';
import { Json, short } from './json.ts';
import type { Life } from './life.ts';

/** What came, in few words: what a user wrote, which button, which delay, whose answer. */
export function eventText({ cause, event, note }: TravelStep): { readonly title: string; readonly about: string } {
  if (cause === 'note') return { title: 'note', about: note };
  const { type, text, data, kind } = fieldsOf(event);
  const name = String(type);
  const [, what = '', about = ''] = /^xstate\.(after|done\.actor|error\.actor)\.(.*)$/s.exec(name) ?? [];
  if (what === 'after') return { title: `after ${timerName(name)}`, about: 'its time is over' };
  if (what !== '')
    return { title: `${about} ${what === 'done.actor' ? 'done' : 'failed'}`, about: 'the backend answered' };
  if (typeof text === 'string' && text !== '') return { title: name, about: text };
  if (typeof data === 'string') return { title: name, about: data };
  return { title: name, about: typeof kind === 'string' ? kind : '' };
}

/** `xstate.after.confirmationWait.payment.confirming` is the wait by that name; of one without, how long it is. */
export function timerName(id: string): string {
  const name = /^xstate\.after\.([^.]+)\./.exec(id)?.[1] ?? id;
  return /^\d+$/.test(name) ? duration(Number(name)) : name;
}

const time = (at: string): string => new Date(at).toLocaleTimeString();

/** The way through a chat's life: a slider, keys, and the list of its steps. */
export function Steps({ life }: { readonly life: Life }) {
  const { steps, at, earlier, later, underWay, beginsAt } = life;
  const list = steps.value;
  const last = list.length - 1;
  const index = at.value ?? last;
  const chosen = list[index];
  const words = chosen === undefined ? '' : `${eventText(chosen).title}, ${stateText(chosen.after.state)}`;
  const onKeyDown = (event: KeyboardEvent): void => {
    const go = { ArrowUp: life.back, ArrowDown: life.forth, Home: life.toFirst, End: life.toNow }[event.key];
    if (go === undefined) return;
    event.preventDefault();
    void go();
  };
  return html`
    <section aria-label="Steps">
      <div class="travel">
        <button class="button travel-step" type="button" aria-label="First step" disabled=${last < 0} onClick=${life.toFirst}><${Icon} name="first" /></button>
        <button class="button travel-step" type="button" aria-label="Step back" disabled=${index <= 0 && !earlier.value} onClick=${life.back}><${Icon} name="back" /></button>
        <input type="range" min="0" max=${Math.max(0, last)} value=${Math.max(0, index)} aria-label="Time"
          aria-valuetext=${words} disabled=${last < 1}
          onInput=${(event: InputEvent) => life.to(Number((event.target as HTMLInputElement).value))} />
        <button class="button travel-step" type="button" aria-label="Step forth" disabled=${at.value === null} onClick=${life.forth}><${Icon} name="forth" /></button>
        <button class=${at.value === null ? 'button travel-now live' : 'button travel-now'} type="button" aria-pressed=${at.value === null} onClick=${life.toNow}>Now</button>
      </div>
      ${underWay.value !== null && underWay.value > 0 ? html`<p class="muted" role="status">Stepping its life again: ${underWay.value.toLocaleString()} steps so far…</p>` : null}
      ${beginsAt.value === null ? null : html`<p class="notice">The journal begins with entry ${beginsAt.value}: what was before is not known, so that steps may look other than they were.</p>`}
      <ol class="steps" role="listbox" aria-label="Steps of this chat" tabindex="0" aria-activedescendant=${chosen === undefined ? undefined : `step-${index}`} onKeyDown=${onKeyDown}>
        ${earlier.value ? html`<li role="presentation"><button class="button quiet" type="button" tabindex="-1" onClick=${life.loadEarlier}>Earlier steps</button></li>` : null}
        ${list.map((step, n) => html`<${StepLine} key=${`${step.seq} ${n}`} step=${step} n=${n} chosen=${n === index} onChoose=${life.to} from=${n === 0 ? life.before.value?.state : list[n - 1]?.after.state} />`)}
        ${later.value ? html`<li role="presentation"><button class="button quiet" type="button" tabindex="-1" onClick=${life.loadLater}>Later steps</button></li>` : null}
      </ol>
    </section>
  `;
}

function StepLine({
  step,
  n,
  chosen,
  from,
  onChoose,
}: {
  readonly step: TravelStep;
  readonly n: number;
  readonly chosen: boolean;
  readonly from: unknown;
  readonly onChoose: (n: number) => void;
}) {
  const { title, about } = eventText(step);
  const move = moveOf(from, step.after.state);
  const seen = (element: HTMLElement | null): void => {
    const list = element?.parentElement;
    if (!chosen || !element || !list) return;
    // The list alone: scrollIntoView would move the page too.
    const [top, bottom] = [
      element.offsetTop - list.offsetTop,
      element.offsetTop - list.offsetTop + element.offsetHeight,
    ];
    if (top < list.scrollTop) list.scrollTop = top;
    if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
  };
  return html`
    <li id=${`step-${n}`} role="option" aria-selected=${chosen} class="step" ref=${seen} onClick=${() => onChoose(n)}>
      <span class="mono muted seq">${step.seq}</span>
      <span class="what"><b>${title}</b> <span class="about" dir="auto">${about}</span></span>
      <span class="muted time">${step.seq === 0 ? '' : time(step.at)}</span>
      ${move === null ? null : html`<span class="move">${move.from} <${Icon} name="forth" /> <b>${move.to}</b></span>`}
      ${step.departs ? html`<span class="tag warn">not as it was then</span>` : null}
    </li>
  `;
}

/** What one step came to: the ways taken, what was asked for, what the context lost and gained. */
export function StepDetails({ life }: { readonly life: Life }) {
  const step = life.step.value;
  if (step === null) return null;
  const before = life.stoodBefore.value;
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
      ${calls.length + timers.length + requests.length === 0 ? null : html`<h3>Asked for</h3>`}
      ${calls.map(({ type, method, params, event, error }) => html`<${Asked} what=${String(method ?? type)} about=${fieldsOf(params).text ?? params ?? event ?? error} />`)}
      ${timers.map(({ id, due_at: due }) => html`<${Asked} what="timer" about=${`${timerName(id)}, due ${new Date(due).toLocaleString()}`} />`)}
      ${requests.map(({ src, input }) => html`<${Asked} what=${`asks ${src}`} about=${input} />`)}
      <h3>Context</h3>
      ${changes.length === 0 ? html`<p class="muted">unchanged</p>` : null}
      <ul class="changes">
        ${changes.map(
          ({ path, before: was, after: is }) => html`
          <li><span class="mono">${path === '' ? 'context' : path}</span>
            <del class="mono" dir="auto">${short(was)}</del> <ins class="mono" dir="auto">${short(is)}</ins></li>`,
        )}
      </ul>
    </section>
  `;
}

function Asked({ what, about }: { readonly what: string; readonly about: unknown }) {
  return html`<p class="asked"><span class="tag accent">${what}</span> <span dir="auto">${typeof about === 'string' ? about : short(about, 200)}</span></p>`;
}
