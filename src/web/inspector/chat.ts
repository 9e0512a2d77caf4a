import { useEffect, useRef, useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { StepDetails } from './details.ts';
import { stateText } from './difference.ts';
import { Json, short } from './json.ts';
import type { Life } from './life.ts';
import { Steps, timerName } from './steps.ts';
import { TestEvent } from './test-event.ts';

/** A chat: how it stands, what it waits for, and the way through its life. */
export function ChatPanel({
  life,
  chart,
  sandbox,
  onClose,
}: {
  readonly life: Life;
  readonly chart: Chart | null;
  readonly sandbox: boolean;
  readonly onClose: () => void;
}) {
  const now = life.now.value;
  const standing = life.standing.value;
  const failure = life.failure.value;
  const status = now?.standing.status ?? null;
  const isPast = life.at.value !== null;
  const panel = useRef<HTMLElement>(null);
  // So that keys are the chat's, and a screen reader is there.
  useEffect(() => panel.current?.focus({ preventScroll: true }), [life]);
  return html`
    <article class="chat" aria-label="Chat ${life.chat}" tabindex="-1" ref=${panel}>
      <header class="panel-head">
        <h2>Chat <span class="mono">${life.chat}</span></h2>
        ${now === null ? null : html`<span class="muted">${now.machine} ${now.version}</span>`}
        ${status === null ? null : html`<span class=${`tag ${status === 'active' ? 'good' : status === 'quarantined' ? 'bad' : ''}`}>${status}</span>`}
        <button class="button quiet last" type="button" aria-label="Close the chat" onClick=${onClose}><${Icon} name="close" /></button>
      </header>
      ${failure === null ? null : html`<p class="notice bad" role="alert">${failure}</p>`}
      ${life.connected.value ? null : html`<p class="notice" role="status">Not connected: coming back by itself…</p>`}
      ${now?.error ? html`<p class="notice bad" dir="auto">Quarantined: ${now.error}</p>` : null}
      ${chart === null && now !== null ? html`<p class="notice">Its machine ${now.machine} is not loaded: it cannot be drawn or stepped again.</p>` : null}
      ${
        standing === null
          ? null
          : html`
            <p class="stands" role="status">${standing.state === null ? null : html`<span class="muted">${isPast ? 'was in' : 'is in'}</span>`} <b data-current>${stateText(standing.state)}</b></p>
            <${Steps} life=${life} chart=${chart} />
            <${Waiting} life=${life} />
            <${StepDetails} life=${life} chart=${chart} />
            <section aria-label="Context"><h3>${isPast ? 'Context then' : 'Context now'}</h3><${Json} value=${standing.context} /></section>
            ${sandbox ? html`<${TestEvent} chat=${life.chat} chart=${chart} />` : null}
          `
      }
    </article>
  `;
}

/** Timers with the time that is left, as of now or as of then, and requests to the backend. */
function Waiting({ life }: { readonly life: Life }) {
  const standing = life.standing.value;
  const isPast = life.at.value !== null;
  const timers = standing?.timers ?? [];
  const requests = standing?.requests ?? [];
  const [tick, setTick] = useState(Date.now());
  useEffect(() => {
    if (isPast || timers.length === 0) return undefined;
    setTick(Date.now());
    const timer = setInterval(() => setTick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isPast, timers.length]);
  const at = isPast ? Date.parse(life.step.value?.at ?? '') : tick + life.skew.value;
  if (timers.length + requests.length === 0) return null;
  return html`
    <section aria-label="Waits for">
      <h3>${isPast ? 'Waited for' : 'Waits for'}</h3>
      <ul class="waiting">
        ${timers.map(
          ({ id, due_at: due }) => html`
          <li><span class="tag warn">timer</span> <span class="mono">${timerName(id)}</span>
            <span class="left" data-left title=${new Date(due).toLocaleString()}>${left(Date.parse(due) - at)}</span></li>`,
        )}
        ${requests.map(
          ({ src, input }) => html`
          <li><span class="tag accent">asks</span> <span class="mono">${src}</span> <span class="muted asks" dir="auto">${short(input)}</span></li>`,
        )}
      </ul>
    </section>
  `;
}

/** Time that is left: `9:41`, `2 h 05 min`, `3 d 4 h`; `due` where it is over. */
export function left(ms: number): string {
  if (!(ms > 0)) return 'due';
  const s = Math.ceil(ms / 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (s < 3600) return `${Math.floor(s / 60)}:${two(s % 60)}`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${two(Math.floor(s / 60) % 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor(s / 3600) % 24} h`;
}
