import { html } from '../ui/html.ts';
import { type Card, LINE, PADDING, ROW, type Row, sentence, TITLE } from './graph.ts';
import type { Drawing, Place, PlacedEdge } from './layout.ts';

/** What is shown on top of a chart. */
export interface Lit {
  /** Paths of the states that a chat is in. */
  readonly states: ReadonlySet<string>;
  /** Ids of the transitions that it has just taken. */
  readonly transitions: ReadonlySet<string>;
  /** The state that is looked at. */
  readonly chosen: string | null;
}

export interface DrawnProps {
  readonly drawing: Drawing;
  readonly lit: Lit;
  /** Chats in each state; null: not counted. */
  readonly counts: ReadonlyMap<string, number> | null;
  readonly onChoose: (path: string) => void;
  readonly onFocus: (place: Place) => void;
}

/**
 * The chart as SVG: boxes first, each parent before what lies in it, then edges, then what is written on edges. Flat, so
 * that no button lies within another.
 */
export function Drawn({ drawing, lit, counts, onChoose, onFocus }: DrawnProps) {
  const { chart, graph, boxes, heads, marks, edges } = drawing;
  const most = Math.max(1, ...chart.nodes.filter(isLeaf).map(({ path }) => counts?.get(path) ?? 0));
  const isLit = (edge: PlacedEdge): boolean => edge.ways.some(({ transition }) => lit.transitions.has(transition.id));
  return html`
    ${chart.nodes.map(({ path }) => {
      const [card, place, head] = [graph.cards.get(path), boxes.get(path), heads.get(path)];
      if (card === undefined || place === undefined || head === undefined) return null;
      const count = counts?.get(path) ?? 0;
      return html`<${Box} key=${path} card=${card} place=${place} head=${head} lit=${lit} count=${counts === null ? null : count}
        heat=${isLeaf(card.node) ? count / most : 0} onChoose=${onChoose} onFocus=${onFocus} />`;
    })}
    ${edges.map(
      (edge) => html`<path key=${edge.id} class=${isLit(edge) ? 'edge lit' : 'edge'} d=${rounded(edge.points)}
      marker-end=${isLit(edge) ? 'url(#arrow-lit)' : 'url(#arrow)'} />`,
    )}
    ${graph.marks.map(({ id, kind }) => {
      const place = marks.get(id);
      if (place === undefined) return null;
      const [x, y] = [place.x + place.width / 2, place.y + place.height / 2];
      if (kind === 'initial') return html`<circle key=${id} class="initial" cx=${x} cy=${y} r="6" />`;
      return html`<g key=${id} class="any"><rect class="any-pill" x=${place.x} y=${place.y} width=${place.width} height=${place.height} rx="11" />
        <text class="any-text" x=${x} y=${y + 4} text-anchor="middle">any</text></g>`;
    })}
    ${edges.map((edge) => (edge.label === null ? null : html`<${Label} key=${edge.id} edge=${edge} place=${edge.label} lit=${lit} />`))}
  `;
}

const isLeaf = ({ type }: { readonly type: string }): boolean => type !== 'compound' && type !== 'parallel';

interface BoxProps extends Pick<DrawnProps, 'lit' | 'onChoose' | 'onFocus'> {
  readonly card: Card;
  readonly place: Place;
  readonly head: Place;
  readonly count: number | null;
  readonly heat: number;
}

function Box({ card, place, head, lit, count, heat, onChoose, onFocus }: BoxProps) {
  const { node, title, description, rows } = card;
  const { path, type } = node;
  const { x, y, width, height } = place;
  const isLit = lit.states.has(path);
  const names = [
    'box',
    type,
    node.parent === null ? 'machine' : '',
    isLit ? 'lit' : '',
    lit.chosen === path ? 'chosen' : '',
  ];
  const label = [
    `${node.parent === null ? 'Machine' : 'State'} ${title}`,
    type === 'atomic' ? '' : type,
    count === null ? '' : `${count} ${count === 1 ? 'chat' : 'chats'}`,
    isLit ? 'current' : '',
    node.description,
  ];
  const choose = (event: Event): void => {
    event.stopPropagation();
    onChoose(path);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose(event);
  };
  const left = head.x + PADDING;
  const top = head.y + PADDING;
  const texts = top + TITLE;
  const below = texts + description.length * LINE + (description.length > 0 ? 4 : 0) + 6;
  const radius = type === 'history' ? 15 : 10;
  return html`
    <g class="state" onClick=${choose}><g class=${names.join(' ')} role="button" tabindex="0" aria-pressed=${lit.chosen === path} data-state=${path}
      aria-label=${label.filter((part) => part !== '').join(', ')} style=${{ '--heat': `${Math.round(heat * 100)}%` }}
      onKeyDown=${onKeyDown} onFocus=${() => onFocus(place)}>
      <rect class="frame" x=${x} y=${y} width=${width} height=${height} rx=${radius} />
      ${type === 'final' ? html`<rect class="inner" x=${x + 4} y=${y + 4} width=${width - 8} height=${height - 8} rx="7" />` : null}
    </g><g aria-hidden="true">
      ${
        type === 'history'
          ? html`<text class="title" x=${x + 15} y=${y + 20} text-anchor="middle">H</text>`
          : html`<text class="title" x=${left} y=${top + 13}>${title}</text>`
      }
      ${description.map((line, n) => html`<text class="description" x=${left} y=${texts + n * LINE + 11}>${line}</text>`)}
      ${rows.map((row, n) => html`<${RowText} row=${row} x=${left} y=${below + n * ROW} width=${head.width - 2 * PADDING} lit=${lit} node=${node} />`)}
      ${count === null || count === 0 ? null : html`<${Badge} x=${left + card.titleWidth + 8} y=${head.y + PADDING - 1} count=${count} />`}
    </g></g>
  `;
}

const BULLET = 10;

function RowText({
  row,
  x,
  y,
  width,
  lit,
  node,
}: {
  readonly row: Row;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly lit: Lit;
  readonly node: Card['node'];
}) {
  const way = node.transitions.find(({ id }) => id === row.transition);
  const isLit = row.transition !== null && lit.transitions.has(row.transition);
  return html`
    <g class=${`row ${row.kind} ${isLit ? 'lit' : ''}`}>
      ${isLit ? html`<rect class="glow" x=${x - 5} y=${y} width=${width + 10} height=${ROW} rx="5" />` : null}
      ${row.kind === 'stays' ? html`<circle cx=${x + 3} cy=${y + 8} r="1.75" />` : null}
      ${row.kind === 'again' ? html`<path class="loop" transform=${`translate(${x - 2} ${y + 3}) scale(.65)`} d="M12.5 6A5 5 0 1 0 13 8.5M12.8 2.5V6H9.3" />` : null}
      <text class="row-text" x=${row.transition === null ? x : x + BULLET} y=${y + 12}>${row.text}</text>
      ${way === undefined ? null : html`<title>${sentence(way)}</title>`}
    </g>
  `;
}

/** How many chats: in few characters, as a box is small. */
export function shortCount(count: number): string {
  if (count < 10_000) return String(count);
  if (count < 1_000_000) return `${Math.floor(count / 1000)}k`;
  return `${Math.floor(count / 100_000) / 10}M`;
}

function Badge({ x, y, count }: { readonly x: number; readonly y: number; readonly count: number }) {
  const text = shortCount(count);
  const width = 14 + text.length * 7;
  return html`
    <g class="badge">
      <rect class="badge-pill" x=${x} y=${y} width=${width} height="18" rx="9" />
      <text class="badge-text" x=${x + width / 2} y=${y + 13} text-anchor="middle">${text}</text>
    </g>
  `;
}

function Label({ edge, place, lit }: { readonly edge: PlacedEdge; readonly place: Place; readonly lit: Lit }) {
  let y = place.y + 4;
  return html`
    <g class="label">
      ${edge.ways.map(({ transition, lines }, n) => {
        const from = y;
        y += lines.length * LINE + 5;
        const isLit = lit.transitions.has(transition.id);
        return html`
          <g class=${isLit ? 'way lit' : 'way'}>
            ${isLit ? html`<rect class="glow" x=${place.x + 2} y=${from - 2} width=${place.width - 4} height=${lines.length * LINE + 4} rx="5" />` : null}
            ${n > 0 && !isLit ? html`<line x1=${place.x + 8} x2=${place.x + place.width - 8} y1=${from - 2.5} y2=${from - 2.5} />` : null}
            ${lines.map((line, k) => html`<text class=${k === 0 ? 'cause' : 'more'} x=${place.x + 8} y=${from + k * LINE + 11}>${line}</text>`)}
            <title>${transition.description === '' ? sentence(transition) : `${sentence(transition)}: ${transition.description}`}</title>
          </g>
        `;
      })}
    </g>
  `;
}

/** An edge's way, with its corners rounded. */
export function rounded(points: readonly (readonly [number, number])[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const parts = [`M${first[0]} ${first[1]}`];
  for (const [n, corner] of rest.entries()) {
    const [before, after] = [points[n] ?? corner, rest[n + 1]];
    if (after === undefined) {
      parts.push(`L${corner[0]} ${corner[1]}`);
      continue;
    }
    const [enter, leave] = [towards(corner, before), towards(corner, after)];
    parts.push(`L${enter[0]} ${enter[1]}Q${corner[0]} ${corner[1]} ${leave[0]} ${leave[1]}`);
  }
  return parts.join('');
}

const CORNER = 8;

/** A point on the line to another, a corner's radius away, or half the line where that is short. */
function towards(from: readonly [number, number], to: readonly [number, number]): readonly [number, number] {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (length === 0) return from;
  const share = Math.min(CORNER, length / 2) / length;
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}
