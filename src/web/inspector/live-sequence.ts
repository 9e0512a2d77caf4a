import { useState } from 'preact/hooks';
import type { FeedItem } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import { stateText } from './difference.ts';
import type { FeedRow, FollowedFeed } from './feed.ts';
import { Json } from './json.ts';
import { type Lane, Sequence, type SequenceRow } from './sequence.ts';

/** From where events come to where they go, so that most arrows are short. */
const ORDER = [
  'http',
  'telegram',
  'ingress',
  'conversations',
  'journal',
  'backend',
  'operators',
  'outbox',
  'switchboard',
];
const OUTSIDE = ['http', 'telegram', 'journal'];

/** The live actors, as the feed is asked for them. */
export const LIVE = ORDER.filter((name) => !OUTSIDE.includes(name));

const clockTime = (at: string): string => {
  const time = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
};

/** What Switchboard's own actors send each other, as it happens. */
export function LiveSequence({
  feed,
  chosen,
  onChoose,
}: {
  readonly feed: FollowedFeed;
  readonly chosen: FeedRow | null;
  readonly onChoose: (row: FeedRow | null) => void;
}) {
  const all = feed.rows.value;
  const [only, setOnly] = useState('');
  const rows = only === '' ? all : all.filter(({ item }) => isAbout(item, only));
  const met = new Set(all.map(({ item }) => (item.kind === 'exchange' ? item.from : '')));
  const lanes: Lane[] = ORDER.filter((name) => name !== 'http' || met.has(name)).map((name) => ({
    ...{ name, outside: OUTSIDE.includes(name) },
  }));
  const paused = feed.paused.value;
  const choose = (key: string | number): void => onChoose(all.find(({ id }) => id === key) ?? null);
  return html`
    <div class="sequence-tools">
      <label>Of <select value=${only} onChange=${(event: Event) => setOnly((event.target as HTMLSelectElement).value)}>
        <option value="">all actors</option>${LIVE.map((name) => html`<option value=${name}>${name}</option>`)}
      </select></label>
      <button class="button" type="button" aria-pressed=${paused} onClick=${paused ? feed.goOn : feed.pause}>${paused ? 'Go on' : 'Hold'}</button>
      ${paused ? html`<span class="muted" role="status">Held${feed.missed.value === 0 ? '' : `: ${feed.missed.value.toLocaleString()} since`}</span>` : null}
      ${feed.connected.value ? null : html`<span class="tag warn" role="status">Not connected: coming back by itself…</span>`}
    </div>
    <${Sequence} name="Message sequence of Switchboard's actors" lanes=${lanes} rows=${rows.map((row, n) => rowOf(row, rows[n - 1]))} chosen=${chosen?.id ?? null}
      onChoose=${choose} follow=${!paused} empty="Nothing has been sent since you came. It begins with the next poll or message." />
  `;
}

function isAbout(item: FeedItem, actor: string): boolean {
  if (item.kind === 'exchange') return item.from === actor || item.to === actor;
  return item.actor === actor;
}

const times = (count: number): string => (count === 1 ? '' : ` ×${count.toLocaleString()}`);

function rowOf({ id, item, count, carried }: FeedRow, before: FeedRow | undefined): SequenceRow {
  // A time that is the one above says nothing new.
  const common = { key: id, time: item.at === before?.item.at ? '' : clockTime(item.at), about: '' };
  switch (item.kind) {
    case 'exchange': {
      const { from, to, label } = item;
      const tone = label.endsWith(' failed') ? ({ tone: 'bad' } as const) : {};
      const about = carried === 0 ? '' : unitOf(label, carried);
      return { ...common, ...tone, kind: 'message', from, to, label: label + times(count), about };
    }
    case 'state':
      return {
        ...common,
        kind: 'state',
        from: item.actor,
        to: item.actor,
        label: stateText(item.state) + times(count),
      };
    case 'skipped':
      return {
        ...common,
        kind: 'note',
        from: item.actor,
        to: item.actor,
        label: `${count.toLocaleString()} more are not shown`,
      };
    default:
      return { ...common, kind: 'state', from: 'conversations', to: 'conversations', label: item.actor };
  }
}

/** What an event of this kind brings. */
function unitOf(label: string, n: number): string {
  const unit = { 'updates.received': 'update', 'journal.committed': 'entr', 'requests.withdrawn': 'request' }[label];
  if (unit === undefined) return n.toLocaleString();
  const ending = unit === 'entr' ? (n === 1 ? 'y' : 'ies') : n === 1 ? '' : 's';
  return `${n.toLocaleString()} ${unit}${ending}`;
}

/** Beside the diagram: the actors, how they stand and how much they got; and what was chosen. */
export function ActorsPanel({
  feed,
  chosen,
  onMachine,
}: {
  readonly feed: FollowedFeed;
  readonly chosen: FeedRow | null;
  readonly onMachine: (machine: string) => void;
}) {
  const stands = feed.stands.value;
  const machines: Readonly<Record<string, string>> = {
    switchboard: 'switchboard',
    ingress: 'poller',
    outbox: 'outbox',
  };
  return html`
    <article aria-label="Actors">
      <header class="panel-head"><h2>Switchboard's actors</h2><span class="muted">live</span></header>
      <p class="muted">Each is supervised alone. Alike events of a moment are one arrow with their number.</p>
      <table class="actors">
        <thead><tr><th scope="col">actor</th><th scope="col">is in</th><th scope="col" class="number">got</th><th scope="col" class="number">sent</th></tr></thead>
        <tbody>${LIVE.map((name) => {
          const { state = null, status = null, received = 0, sent = 0 } = stands.get(name) ?? {};
          const machine = machines[name];
          return html`<tr key=${name}>
            <th scope="row">${machine === undefined ? name : html`<button class="button quiet link" type="button" onClick=${() => onMachine(machine)}>${name}</button>`}</th>
            <td data-actor-state=${name}>${name === 'switchboard' ? partsText(state) : state === null ? html`<span class="muted">${status ?? 'down'}</span>` : stateText(state)}</td>
            <td class="number">${received.toLocaleString()}</td><td class="number">${sent.toLocaleString()}</td></tr>`;
        })}</tbody>
      </table>
      ${chosen === null ? html`<p class="muted">Choose an arrow to see what it brought.</p>` : html`<${Chosen} row=${chosen} />`}
    </article>
  `;
}

/** Of the root, which has a region for each part: those that are not up. */
function partsText(state: unknown): string {
  if (typeof state !== 'object' || state === null) return 'down';
  const odd = Object.entries(state).filter(([, value]) => value !== 'up');
  return odd.length === 0 ? 'all up' : odd.map(([part, value]) => `${part} ${value}`).join(', ');
}

function Chosen({ row: { item, count } }: { readonly row: FeedRow }) {
  const title = item.kind === 'exchange' ? item.label : item.kind === 'state' ? stateText(item.state) : item.kind;
  return html`
    <section aria-label="What was chosen">
      <h3>${item.kind === 'exchange' ? 'Event' : 'State'}</h3>
      <p><b>${title}</b> ${item.kind === 'exchange' ? html`<span class="muted">${item.from} to ${item.to}</span>` : null}</p>
      <p class="muted">${new Date(item.at).toLocaleTimeString()}${count === 1 ? '' : `, one of ${count.toLocaleString()}`}</p>
      ${'event' in item ? html`<${Json} value=${item.event} />` : null}
      ${item.kind === 'state' ? html`<h3>Context</h3><${Json} value=${item.context} />` : null}
    </section>
  `;
}
