import type { Chart, ChartNode, ChartTransition } from '../../inspector/inspector.ts';

/** Widths of texts, in px, as the page will draw them. */
export type Measure = (text: string, style: 'title' | 'small' | 'code') => number;

/** A line of a state's box: what it does, or a way on which it stays itself. */
export interface Row {
  readonly kind: 'entry' | 'exit' | 'invoke' | 'stays' | 'again';
  readonly text: string;
  /** The transition that it is; null: none. */
  readonly transition: string | null;
}

/** What is written in a state's box, above the states within it. */
export interface Card {
  readonly node: ChartNode;
  readonly title: string;
  readonly titleWidth: number;
  readonly description: readonly string[];
  readonly rows: readonly Row[];
  readonly width: number;
  readonly height: number;
}

/** One transition on an edge: its lines, the first of them what brings it about. */
export interface Way {
  readonly transition: ChartTransition;
  readonly lines: readonly string[];
}

/** All ways from one state to another are one edge. */
export interface Edge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly ways: readonly Way[];
  /** It leads back up, to what its author wrote first: it is laid out from its end to its beginning. */
  readonly back: boolean;
  readonly width: number;
  readonly height: number;
}

/** Small marks that are no states: where a state begins, and "from any state within". */
export interface Mark {
  readonly id: string;
  readonly kind: 'initial' | 'any';
  readonly within: string;
}

/** A chart as boxes and edges, before they have places. */
export interface Graph {
  readonly cards: ReadonlyMap<string, Card>;
  readonly marks: readonly Mark[];
  readonly edges: readonly Edge[];
}

/** What ELK takes, as far as it is used here (its JSON format). */
export interface ElkNode {
  readonly id: string;
  readonly width?: number;
  readonly height?: number;
  readonly layoutOptions?: Readonly<Record<string, string>>;
  readonly children?: readonly ElkNode[];
  readonly edges?: readonly ElkEdge[];
}
export interface ElkEdge {
  readonly id: string;
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  readonly labels?: readonly { readonly id: string; readonly text: string; width: number; height: number }[];
}

/** Heights of the lines, px. */
export const TITLE = 20;
export const LINE = 15;
export const ROW = 17;
export const PADDING = 12;
const TEXT_WIDTH = 230;
const ROW_LENGTH_MAX = 52;
const LABEL_LENGTH_MAX = 36;

/** The id of a state in ELK's graph: paths may be empty. */
export const boxId = (path: string): string => `state:${path}`;
/** Of what is written in a state that has others in it: a node of its own, so that edges go around it. */
export const headId = (path: string): string => `head:${path}`;

/** What a chart's drawing is made of. Every state has a card; every transition is a row or a way, once for each target. */
export function graphOf(chart: Chart, measure: Measure): Graph {
  const cards = new Map(chart.nodes.map((node) => [node.path, cardOf(chart, node, measure)]));
  const marks = new Map<string, Mark>();
  const grouped = new Map<string, { from: string; to: string; transitions: ChartTransition[] }>();
  const mark = (kind: Mark['kind'], within: string): string => {
    const id = `${kind}:${within}`;
    marks.set(id, { id, kind, within });
    return id;
  };
  const connect = (from: string, to: string, transition: ChartTransition | null): void => {
    const id = `${from} -> ${to}`;
    const edge = grouped.get(id) ?? { from, to, transitions: [] };
    grouped.set(id, edge);
    if (transition !== null) edge.transitions.push(transition);
  };
  for (const node of chart.nodes) {
    if (node.initial !== null) connect(mark('initial', node.path), boxId(node.initial), null);
    for (const transition of node.transitions) {
      for (const target of transition.targets) {
        if (target === node.path) continue;
        // An edge between a box and what lies in it would cross its own border: it begins or ends at a mark inside.
        const from = isWithin(target, node.path) ? mark('any', node.path) : boxId(node.path);
        const whole = cards.get(target)?.node;
        const inside = whole?.initial === null || whole === undefined ? 'any' : 'initial';
        const to = isWithin(node.path, target) ? mark(inside, target) : boxId(target);
        connect(from, to, transition);
      }
    }
  }
  const order = new Map(chart.nodes.map(({ path }, n) => [boxId(path), n]));
  const edges = [...grouped].map(([id, { from, to, transitions }]) => {
    const ways = transitions.map((transition) => ({ transition, lines: linesOf(transition) }));
    const lines = ways.flatMap((way) => way.lines);
    const width = Math.max(0, ...lines.map((line) => measure(line, 'code')));
    const height = lines.length * LINE + Math.max(0, ways.length - 1) * 5;
    return {
      id,
      from,
      to,
      ways,
      back: (order.get(to) ?? Infinity) < (order.get(from) ?? -1),
      width: lines.length === 0 ? 0 : width + 16,
      height: lines.length === 0 ? 0 : height + 8,
    };
  });
  return { cards, marks: [...marks.values()], edges };
}

const isWithin = (path: string, ancestor: string): boolean =>
  path !== ancestor && (ancestor === '' || path.startsWith(`${ancestor}.`));

function cardOf(chart: Chart, node: ChartNode, measure: Measure): Card {
  const isParent = node.type === 'compound' || node.type === 'parallel';
  const title = node.path === '' ? chart.name : node.key;
  const titleWidth = measure(title, 'title');
  const rows = rowsOf(node);
  const widest = Math.max(0, ...rows.map(({ text }) => measure(text, 'code') + 18));
  const room = Math.max(isParent ? TEXT_WIDTH * 1.6 : TEXT_WIDTH, Math.min(widest, TEXT_WIDTH * 1.6));
  const description = node.type === 'history' ? [] : wrap(node.description, room, measure);
  const width = Math.max(
    node.type === 'history' ? 0 : 110,
    // Beside it stands how many chats there are.
    titleWidth + 56,
    widest,
    ...description.map((line) => measure(line, 'small')),
  );
  const texts = description.length * LINE + (description.length > 0 ? 4 : 0);
  const height = TITLE + texts + rows.length * ROW + (rows.length > 0 ? 6 : 0);
  return {
    node,
    title,
    titleWidth,
    description,
    rows,
    width: Math.ceil(width) + 2 * PADDING,
    height: Math.ceil(height) + 2 * PADDING,
  };
}

function rowsOf(node: ChartNode): Row[] {
  const doing = (kind: 'entry' | 'exit', names: readonly string[]): Row[] =>
    names.length === 0 ? [] : [{ kind, text: cut(`${kind} / ${names.join('; ')}`, ROW_LENGTH_MAX), transition: null }];
  return [
    ...node.invokes.map(({ src }) => ({ kind: 'invoke' as const, text: `asks ${src}`, transition: null })),
    ...doing('entry', node.entry),
    ...doing('exit', node.exit),
    ...node.transitions.flatMap((way): Row[] => {
      const stays = way.targets.length === 0;
      if (!stays && !way.targets.includes(node.path)) return [];
      return [{ kind: stays ? 'stays' : 'again', text: cut(sentence(way), ROW_LENGTH_MAX), transition: way.id }];
    }),
  ];
}

/** A delay as people say it. */
export function duration(ms: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1000, 's'],
  ];
  const unit = units.find(([size]) => ms >= size && ms % size === 0) ?? units.find(([size]) => ms >= 10 * size);
  return unit === undefined ? `${ms} ms` : `${Math.round((ms / unit[0]) * 10) / 10} ${unit[1]}`;
}

/** What brings a transition about: `after confirmationWait (10 min)`. */
export const causeText = ({ label, delay_ms: delay }: ChartTransition): string =>
  delay === null ? label : label === `after ${delay}` ? `after ${duration(delay)}` : `${label} (${duration(delay)})`;

const guardText = ({ guard }: ChartTransition): string => (guard === null ? '' : ` [${guard}]`);

/** A transition in one line. */
export const sentence = (transition: ChartTransition): string =>
  `${causeText(transition)}${guardText(transition)}${transition.actions.length === 0 ? '' : ` / ${transition.actions.join('; ')}`}`;

function linesOf(transition: ChartTransition): string[] {
  const [cause, guard] = [causeText(transition), guardText(transition)];
  const head = cause.length + guard.length <= LABEL_LENGTH_MAX ? [cause + guard] : [cause, guard];
  const { actions } = transition;
  return [...head, ...(actions.length === 0 ? [] : [`/ ${actions.join('; ')}`])].map((line) =>
    cut(line.trim(), LABEL_LENGTH_MAX),
  );
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`;

/** Lines of at most that width; a word that is wider has one of its own. */
function wrap(text: string, width: number, measure: Measure): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((one) => one !== '')) {
    const last = lines.at(-1);
    if (last !== undefined && measure(`${last} ${word}`, 'small') <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.separateConnectedComponents': 'false',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.spacing.nodeNodeBetweenLayers': '28',
  'elk.layered.spacing.edgeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeLabel': '5',
};

/** The graph as ELK lays it out, boxes within boxes. */
export function elkOf(chart: Chart, { cards, marks, edges }: Graph): ElkNode {
  const childrenOf = (path: string): ElkNode[] => [
    ...marks
      .filter(({ within }) => within === path)
      .map(({ id, kind }) => ({
        ...(kind === 'initial' ? { id, width: 12, height: 12 } : { id, width: 34, height: 22 }),
      })),
    ...chart.nodes.filter(({ parent }) => parent === path).map(boxOf),
  ];
  const boxOf = ({ path, type }: ChartNode): ElkNode => {
    const { width = 0, height = 0 } = cards.get(path) ?? {};
    if (type === 'history') return { id: boxId(path), width: 30, height: 30 };
    const children = childrenOf(path);
    if (children.length === 0) return { id: boxId(path), width, height };
    return {
      id: boxId(path),
      children: [
        { id: headId(path), width, height, layoutOptions: { 'elk.layered.layering.layerConstraint': 'FIRST' } },
        ...children,
      ],
      layoutOptions: {
        ...OPTIONS,
        'elk.padding': '[top=4,left=18,bottom=22,right=18]',
      },
    };
  };
  return {
    id: 'chart',
    layoutOptions: OPTIONS,
    children: chart.nodes.filter(({ parent }) => parent === null).map(boxOf),
    edges: [
      ...orderOf(chart, marks).map(([above, below]) => ({
        id: `${above} above ${below}`,
        sources: [above],
        targets: [below],
      })),
      ...edges.map(({ id, from, to, back, width, height }) => ({
        id,
        sources: [back ? to : from],
        targets: [back ? from : to],
        ...(height === 0 ? {} : { labels: [{ id: `${id} label`, text: id, width, height }] }),
      })),
    ],
  };
}

/** Regions of a parallel state that stand in one row. */
const REGIONS_IN_ROW = 3;

/**
 * What is to stand above what: a state's own texts above all that is in it, the rows of a parallel state's regions one
 * above the other. These edges are not drawn.
 */
function orderOf(chart: Chart, marks: readonly Mark[]): (readonly [string, string])[] {
  const regions = chart.nodes.flatMap(({ path, type }) => {
    if (type !== 'parallel') return [];
    const ids = chart.nodes.filter(({ parent }) => parent === path).map((region) => boxId(region.path));
    return ids.map((id, n) => [ids[n - REGIONS_IN_ROW] ?? headId(path), id] as const);
  });
  return [...marks.map(({ id, within }) => [headId(within), id] as const), ...regions];
}
