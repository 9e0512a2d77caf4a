import type { Chart, TravelStep } from '../../inspector/inspector.ts';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { moveOf, stateText } from './difference.ts';
import { duration } from './graph.ts';
import type { Life } from './life.ts';

/** What came, in few words: what a user wrote, which button, which delay, whose answer. */
export function eventText(
  { cause, event, note }: TravelStep,
  chart: Chart | null,
): { readonly title: string; readonly about: string } {
  if (cause === 'note') return { title: 'note', about: note };
  const { type, text, data, kind } = fieldsOf(event);
  const name = String(type);
  const [, what = '', about = ''] = /^xstate\.(after|done\.actor|error\.actor)\.(.*)$/s.exec(name) ?? [];
  if (what === 'after') return { title: `after ${timerName(name)}`, about: 'its time is over' };
  if (what !== '') {
    // An id that XState has given tells nothing.
    const asked = chart?.nodes.flatMap(({ invokes }) => invokes).find(({ id }) => id === about)?.src ?? about;
    return { title: `${asked} ${what === 'done.actor' ? 'done' : 'failed'}`, about: 'the backend answered' };
  }
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
export function Steps({ life, chart }: { readonly life: Life; readonly chart: Chart | null }) {
  const { steps, at, earlier, later, underWay, beginsAt } = life;
  const list = steps.value;
  const last = list.length - 1;
  const index = at.value ?? last;
  const chosen = list[index];
  const words = chosen === undefined ? '' : `${eventText(chosen, chart).title}, ${stateText(chosen.after.state)}`;
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
        <button class="button travel-step" type="button" aria-label="Step back" disabled=${index <= 0 && !earlier.value} onClick=${life.back}><${Icon} name="stepBack" /></button>
        <input type="range" min="0" max=${Math.max(0, last)} value=${Math.max(0, index)} aria-label="Time"
          aria-valuetext=${words} disabled=${last < 1}
          onInput=${(event: InputEvent) => life.to(Number((event.target as HTMLInputElement).value))} />
        <button class="button travel-step" type="button" aria-label="Step forth" disabled=${at.value === null} onClick=${life.forth}><${Icon} name="stepForth" /></button>
        <button class=${at.value === null ? 'button travel-now live' : 'button travel-now'} type="button" aria-pressed=${at.value === null} onClick=${life.toNow}>Now</button>
      </div>
      ${underWay.value !== null && underWay.value > 0 ? html`<p class="muted" role="status">Stepping its life again: ${underWay.value.toLocaleString()} steps so far…</p>` : null}
      ${beginsAt.value === null ? null : html`<p class="notice">The journal begins with entry ${beginsAt.value}: what was before is not known, so that steps may look other than they were.</p>`}
      <ol class="steps" role="listbox" aria-label="Steps of this chat" tabindex="0" aria-activedescendant=${chosen === undefined ? undefined : `step-${index}`} onKeyDown=${onKeyDown}>
        ${earlier.value ? html`<li role="presentation"><button class="button quiet" type="button" tabindex="-1" onClick=${life.loadEarlier}>Earlier steps</button></li>` : null}
        ${list.map((step, n) => html`<${StepLine} key=${`${step.seq} ${n}`} step=${step} chart=${chart} n=${n} chosen=${n === index} onChoose=${life.to} from=${n === 0 ? life.before.value?.state : list[n - 1]?.after.state} />`)}
        ${later.value ? html`<li role="presentation"><button class="button quiet" type="button" tabindex="-1" onClick=${life.loadLater}>Later steps</button></li>` : null}
      </ol>
    </section>
  `;
}

function StepLine({
  step,
  chart,
  n,
  chosen,
  from,
  onChoose,
}: {
  readonly step: TravelStep;
  readonly chart: Chart | null;
  readonly n: number;
  readonly chosen: boolean;
  readonly from: unknown;
  readonly onChoose: (n: number) => void;
}) {
  const { title, about } = eventText(step, chart);
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
      ${move === null ? null : html`<span class="move">${move.from} <${Icon} name="stepForth" /> <b>${move.to}</b></span>`}
      ${step.departs ? html`<span class="tag warn">not as it was then</span>` : null}
    </li>
  `;
}
