import { useEffect, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { who } from '../ui/login.ts';
import type { Overview } from './answers.ts';
import * as answers from './answers.ts';
import { AuditLog } from './audit.ts';
import { Spark } from './charts.ts';
import { Held } from './held.ts';
import { failureText, numberText } from './words.ts';

const EVERY_MS = 2000;
/** Three minutes. */
const POINTS = 90;

const NAMES: Readonly<Record<string, string>> = {
  data: 'Data folder',
  ingress: 'Poller',
  conversations: 'Conversations',
  backend: 'Backend',
  operators: 'Operators',
  outbox: 'Outbox',
};

const perS = (now: number, before: number | undefined, ms: number): number =>
  before === undefined || now < before || ms <= 0 ? 0 : ((now - before) * 1000) / ms;

interface Point {
  readonly at: number;
  readonly updates: number;
  readonly sent: number;
  readonly outbox: number;
  readonly lag: number;
}

/** How Switchboard is: its parts, its figures as they went, who reads. */
export function OverviewPanel() {
  const [points, setPoints] = useState<readonly Point[]>([]);
  const [now, setNow] = useState<Overview | null>(null);
  const [failure, setFailure] = useState('');
  useEffect(() => {
    let gone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let before: Overview | null = null;
    const ask = async (): Promise<void> => {
      if (!document.hidden) {
        try {
          const found = await answers.overview();
          if (gone) return;
          const ms = before === null ? 0 : Date.parse(found.now) - Date.parse(before.now);
          const [figures, old] = [found.figures, before?.figures];
          const point = {
            at: Date.parse(found.now) / 1000,
            updates: perS(figures?.updates ?? 0, old?.updates, ms),
            sent: perS(figures?.sent ?? 0, old?.sent, ms),
            outbox: figures?.outbox ?? 0,
            lag: found.operators?.lag ?? 0,
          };
          before = found;
          setNow(found);
          setPoints((known) => [...known, point].slice(-POINTS));
          setFailure('');
        } catch (error) {
          if (!gone) setFailure(failureText(error));
        }
      }
      if (!gone) timer = setTimeout(ask, EVERY_MS);
    };
    void ask();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);
  if (now === null) return html`<p class="muted">${failure}</p>`;
  const last = points.at(-1);
  const times = points.map(({ at }) => at);
  const spark = (label: string, value: string, pick: (point: Point) => number) =>
    html`<${Spark} label=${label} value=${value} times=${times} points=${points.map(pick)} />`;
  const { figures, operators, readers } = now;
  return html`
    ${now.held_since === null ? null : html`<${Held} waiting=${now.figures?.outbox ?? 0} />`}
    <section aria-label="Parts"><h2>Status</h2>
      <ul class="parts">${now.parts.map(({ name, state, detail }) => html`<li key=${name} data-part=${name}><span>${NAMES[name] ?? name}</span><span class=${`tag ${state === 'up' ? 'good' : state === 'degraded' || state === 'restarting' ? 'warn' : 'bad'}`}>${state}</span>${detail === null ? null : html`<p class="muted">${detail}</p>`}</li>`)}</ul>
    </section>
    ${
      figures === null
        ? null
        : html`<section aria-label="Figures" class="sparks">
            ${spark('Updates a second', (last?.updates ?? 0).toFixed(1), ({ updates }) => updates)}
            ${spark('Sent a second', (last?.sent ?? 0).toFixed(1), ({ sent }) => sent)}
            ${spark('Waiting in the outbox', numberText(figures.outbox), ({ outbox }) => outbox)}
            ${spark('Furthest reader, entries behind', numberText(operators?.lag ?? 0), ({ lag }) => lag)}
          </section>`
    }
    <dl class="figures">
      ${operators === null ? null : html`<div><dt>Streams</dt><dd>${numberText(operators.connected)}</dd></div><div><dt>Polls of keys</dt><dd>${numberText(operators.polling)}</dd></div>`}
      ${figures === null ? null : html`<div><dt>Entries</dt><dd>${numberText(figures.head)}</dd></div><div><dt>Chats in memory</dt><dd>${numberText(figures.chats_in_memory)}</dd></div><div><dt>Requests open</dt><dd>${numberText(figures.requests)}</dd></div>`}
    </dl>
    ${
      readers === null || readers.length === 0
        ? null
        : html`<section aria-label="Readers"><h3>Who reads</h3><ul class="readers">${readers.map(({ name, kind, state, lag }) => html`<li><span dir="auto">${name}</span><span class="muted">${kind === 'stream' ? state : `${kind}, ${state}`}</span><span class=${lag > 100 ? 'tag warn' : 'muted'}>${lag === 0 ? 'at the head' : `${numberText(lag)} behind`}</span></li>`)}</ul></section>`
    }
    ${who.value?.scopes.includes('admin') === true ? html`<${AuditLog} />` : null}
    ${failure === '' ? null : html`<p class="notice bad" role="alert">${failure}</p>`}
  `;
}
