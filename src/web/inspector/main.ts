import { render } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { Problem } from '../ui/api.ts';
import { Bar } from '../ui/bar.ts';
import { html } from '../ui/html.ts';
import { Login, refreshWho, who } from '../ui/login.ts';
import * as answers from './answers.ts';
import { Canvas, measureOf } from './canvas.ts';
import { ChatPanel } from './chat.ts';
import { statesIn } from './difference.ts';
import type { Lit } from './drawing.ts';
import { elkWorker } from './elk.ts';
import { type Drawing, draw } from './layout.ts';
import { createLife, type Life } from './life.ts';
import { MachineList } from './machines.ts';
import { StatePanel } from './state.ts';
import { look, where } from './where.ts';

/** How often chats are counted again while the page is seen. */
const COUNT_EVERY_MS = 2000;

function App() {
  const me = who.value;
  if (me === undefined) return null;
  const page = html`<${Bar} page="inspector" />`;
  if (me === null) return html`${page}<main><${Login} role="a key of the role admin" /></main>`;
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
      if (error instanceof Problem && error.status === 401) await refreshWho();
      setFailure(error instanceof Problem ? error.message : 'Switchboard cannot be reached: is it running?');
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
  const { machine: wanted, state, chat } = where.value;
  const life = useLife(chat);
  const ofChat = life?.now.value ?? null;
  const name = ofChat === null ? wanted : nameOf(machines, ofChat.machine, ofChat.version);
  const chart =
    machines.find((one) => one.name === name) ??
    (ofChat === null ? machines.find(({ kind }) => kind === 'conversation') : undefined) ??
    null;
  const counts = useCounts(chart?.name ?? null);
  const lit = litOf(life, counts, state);
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
  return html`
    <main class="workbench">
      <${MachineList} machines=${machines} chosen=${chart?.name ?? null} onChoose=${(one: string) => look({ machine: one, state: null, chat: null })}
        onChat=${(id: string) => look({ chat: id, state: null })} />
      <section class="stage" aria-label="Chart">${chart === null ? html`<p class="empty">Nothing to draw.</p>` : html`<${Stage} chart=${chart} lit=${lit} counts=${numbers} onChoose=${choose} />`}</section>
      <aside class="side" aria-label="Details">
        ${life !== null ? html`<${ChatPanel} life=${life} chart=${chart} sandbox=${sandbox} onClose=${() => look({ chat: null, machine: chart?.name ?? null })} />` : null}
        ${life === null && chart !== null ? html`<${StatePanel} chart=${chart} path=${state ?? ''} counts=${counts} onChat=${(id: string) => look({ chat: id, state: null, machine: chart.name })} onState=${choose} />` : null}
      </aside>
    </main>
  `;
}

/** The chart's drawing, once it is laid out. */
function Stage({
  chart,
  lit,
  counts,
  onChoose,
}: {
  readonly chart: Chart;
  readonly lit: Lit;
  readonly counts: ReadonlyMap<string, number> | null;
  readonly onChoose: (path: string) => void;
}) {
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const [failure, setFailure] = useState('');
  useEffect(() => {
    let gone = false;
    drawingOf(chart).then(
      (drawn) => {
        if (!gone) setDrawing(drawn);
      },
      (error: unknown) => setFailure(error instanceof Error ? error.message : 'The chart could not be laid out'),
    );
    return () => {
      gone = true;
    };
  }, [chart]);
  if (failure !== '') return html`<p class="notice bad" role="alert">${failure}</p>`;
  if (drawing === null || drawing.chart !== chart) return null;
  return html`<${Canvas} drawing=${drawing} lit=${lit} counts=${counts} onChoose=${onChoose} />`;
}

const elk = elkWorker();
const drawings = new Map<Chart, Promise<Drawing>>();
function drawingOf(chart: Chart): Promise<Drawing> {
  const drawing = drawings.get(chart) ?? draw(chart, measureOf(), elk);
  drawings.set(chart, drawing);
  return drawing;
}

/** A kept older version is a machine of its own. */
const nameOf = (machines: readonly Chart[], machine: string, version: string): string =>
  machines.some(({ name }) => name === `${machine}@${version}`) ? `${machine}@${version}` : machine;

function useLife(chat: string | null): Life | null {
  const [life, setLife] = useState<Life | null>(null);
  useEffect(() => {
    if (chat === null) {
      setLife(null);
      return undefined;
    }
    const made = createLife(chat);
    setLife(made);
    return () => made.close();
  }, [chat]);
  return chat === null ? null : life;
}

function useCounts(machine: string | null): answers.Counts | null {
  const [counts, setCounts] = useState<{ readonly of: string; readonly counts: answers.Counts } | null>(null);
  useEffect(() => {
    if (machine === null) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    const count = async (): Promise<void> => {
      if (!document.hidden) {
        const found = await answers.counts(machine).catch((error: unknown) => {
          if (error instanceof Problem && error.status === 401) void refreshWho();
          return null;
        });
        if (gone) return;
        if (found !== null) setCounts({ of: machine, counts: found });
      }
      timer = setTimeout(count, COUNT_EVERY_MS);
    };
    void count();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [machine]);
  return counts?.of === machine ? counts.counts : null;
}

/** A chat's states and ways as of the step that is looked at; without one, where a live actor is. */
function litOf(life: Life | null, counts: answers.Counts | null, chosen: string | null): Lit {
  if (life === null) return { states: new Set(statesIn(counts?.live ?? null)), transitions: new Set(), chosen };
  const states = new Set(statesIn(life.standing.value?.state ?? null));
  return { states, transitions: new Set(life.step.value?.transitions ?? []), chosen: null };
}

await refreshWho();
const root = document.getElementById('page');
if (root !== null) render(html`<${App} />`, root);
