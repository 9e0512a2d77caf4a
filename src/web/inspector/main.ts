import { render } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { reasonOf } from '../ui/api.ts';
import { Bar } from '../ui/bar.ts';
import { html } from '../ui/html.ts';
import { Login, noteRefusal, refreshWho, who } from '../ui/login.ts';
import * as answers from './answers.ts';
import { ChatPanel } from './chat.ts';
import { ChatSequence } from './chat-sequence.ts';
import { statesIn } from './difference.ts';
import type { Lit } from './drawing.ts';
import type { FeedRow } from './feed.ts';
import { useCounts, useFeed, useLife } from './following.ts';
import type { Life } from './life.ts';
import { ActorsPanel, LiveSequence } from './live-sequence.ts';
import { MachineList } from './machines.ts';
import { Stage } from './stage.ts';
import { StatePanel } from './state.ts';
import { look, where } from './where.ts';

function App() {
  const me = who.value;
  if (me === undefined) return null;
  const page = html`<${Bar} page="inspector" />`;
  if (me === null) return html`${page}<main><${Login} roles=${['admin']} /></main>`;
  if (me.role !== 'admin') {
    return html`${page}<main class="empty"><h1>The inspector is for admins</h1><p>Log out, and in again with a key of the role admin.</p></main>`;
  }
  return html`${page}<${Inspector} />`;
}

function Inspector() {
  const [machines, setMachines] = useState<readonly Chart[] | null>(null);
  const [sandbox, setSandbox] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const load = async (): Promise<void> => {
    try {
      const answer = await answers.machines();
      setMachines(answer.machines);
      setSandbox(answer.sandbox);
      setFailure(null);
    } catch (error) {
      noteRefusal(error);
      setFailure(reasonOf(error));
    }
  };
  useEffect(() => void load(), []);
  if (failure !== null) {
    return html`<main class="empty"><p class="notice bad" role="alert">${failure}</p><button class="button" onClick=${load}>Try again</button></main>`;
  }
  if (machines === null) return html`<main class="empty" aria-busy="true"></main>`;
  return html`<${Workbench} machines=${machines} sandbox=${sandbox} />`;
}

function Workbench({ machines, sandbox }: { readonly machines: readonly Chart[]; readonly sandbox: boolean }) {
  const { machine: wanted, state, chat, view } = where.value;
  const life = useLife(chat);
  const ofChat = life?.now.value ?? null;
  const name = ofChat === null ? wanted : nameOf(machines, ofChat.machine, ofChat.version);
  const chart =
    machines.find((one) => one.name === name) ??
    (ofChat === null ? machines.find(({ kind }) => kind === 'conversation') : undefined) ??
    null;
  const counts = useCounts(chart?.name ?? null);
  const isSequence = view === 'sequence';
  const feed = useFeed(life === null && chat === null && (isSequence || chart?.kind === 'live'));
  const [picked, setPicked] = useState<FeedRow | null>(null);
  const actor = { poller: 'ingress', outbox: 'outbox', switchboard: 'switchboard' }[chart?.name ?? ''];
  const standing = actor === undefined ? undefined : feed?.stands.value.get(actor);
  const live = chart?.kind === 'live' ? (standing?.state ?? counts?.live ?? null) : null;
  const lit = litOf(life, live, state);
  const numbers = useMemo(
    () =>
      counts === null || chart?.kind === 'live'
        ? null
        : new Map(counts.states.map(({ path, active, done, quarantined }) => [path, active + done + quarantined])),
    [counts, chart],
  );
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null;
      if (
        target?.closest('input, textarea, select, .canvas, [role=listbox]') ||
        event.altKey ||
        event.ctrlKey ||
        event.metaKey
      )
        return;
      if (event.key === 'ArrowLeft') void life?.back();
      if (event.key === 'ArrowRight') void life?.forth();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [life]);
  const choose = (path: string): void => look({ machine: chart?.name ?? null, state: path, chat: null });
  const isLiveSequence = isSequence && life === null && chat === null;
  const stage = (): unknown => {
    if (isSequence && life !== null) return html`<${ChatSequence} life=${life} chart=${chart} />`;
    if (isLiveSequence) return feed && html`<${LiveSequence} feed=${feed} chosen=${picked} onChoose=${setPicked} />`;
    if (chart === null) return html`<p class="empty">Nothing to draw.</p>`;
    return html`<${Stage} chart=${chart} lit=${lit} counts=${numbers} onChoose=${choose} />`;
  };
  const side = (): unknown => {
    const close = (): void => look({ chat: null, machine: chart?.name ?? null });
    if (life !== null) return html`<${ChatPanel} life=${life} chart=${chart} sandbox=${sandbox} onClose=${close} />`;
    if (isLiveSequence)
      return (
        feed &&
        html`<${ActorsPanel} feed=${feed} chosen=${picked} onMachine=${(one: string) => look({ machine: one, state: null, view: null })} />`
      );
    if (chart === null) return null;
    const open = (id: string): void => look({ chat: id, state: null, machine: chart.name });
    return html`<${StatePanel} chart=${chart} path=${state ?? ''} counts=${counts} live=${live}
      context=${standing?.context ?? null} onSequence=${() => look({ state: null, view: 'sequence' })} onChat=${open} onState=${choose} />`;
  };
  return html`
    <main class="workbench">
      <${MachineList} machines=${machines} chosen=${isLiveSequence ? null : (chart?.name ?? null)} sequence=${isLiveSequence}
        onChoose=${(one: string) => look({ machine: one, state: null, chat: null, view: null })}
        onSequence=${() => look({ chat: null, view: 'sequence' })} onChat=${(id: string) => look({ chat: id, state: null })} />
      <section class="stage" aria-label=${isSequence ? 'Sequence' : 'Chart'}>
        ${life === null ? null : html`<${Views} isSequence=${isSequence} />`}
        ${stage()}
      </section>
      <aside class="side" aria-label="Details">${side()}</aside>
    </main>
  `;
}

/** Of a chat: where it stands, or what it got and sent. */
function Views({ isSequence }: { readonly isSequence: boolean }) {
  const view = (name: string, chosen: boolean, to: string | null) =>
    html`<button class="button quiet view" type="button" aria-pressed=${chosen} onClick=${() => look({ view: to })}>${name}</button>`;
  return html`<div class="views" role="group" aria-label="View">${view('Chart', !isSequence, null)}${view('Sequence', isSequence, 'sequence')}</div>`;
}

/** A kept older version is a machine of its own. */
const nameOf = (machines: readonly Chart[], machine: string, version: string): string =>
  machines.some(({ name }) => name === `${machine}@${version}`) ? `${machine}@${version}` : machine;

/** A chat's states and ways as of the step that is looked at; without one, where a live actor is. */
function litOf(life: Life | null, live: unknown, chosen: string | null): Lit {
  if (life === null) return { states: new Set(statesIn(live)), transitions: new Set(), chosen };
  const states = new Set(statesIn(life.standing.value?.state ?? null));
  return { states, transitions: new Set(life.step.value?.transitions ?? []), chosen: null };
}

await refreshWho();
const root = document.getElementById('page');
if (root !== null) render(html`<${App} />`, root);
