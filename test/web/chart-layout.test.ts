import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { chartOf } from '../../src/conversations/chart.ts';
import { importMachine } from '../../src/conversations/files.ts';
import type { Chart } from '../../src/inspector/inspector.ts';
import { boxId, duration, type ElkNode, graphOf, type Measure } from '../../src/web/inspector/graph.ts';
import { type Drawing, draw, overlap, type Place, passes } from '../../src/web/inspector/layout.ts';
import { PRODUCT_MACHINES } from '../machines/product.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FILES = ['machines', 'test/machines', 'test/web'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.machine.ts'))
    .filter((file) => folder !== 'machines' || PRODUCT_MACHINES.includes(file))
    // A machine that is refused is not drawn.
    .filter((file) => file !== 'order.machine.ts')
    .map((file) => [file.slice(0, -'.machine.ts'.length), join(ROOT, folder, file)] as const),
);

/** Widths about as those of the page's fonts. */
const measure: Measure = (text, style) => text.length * (style === 'title' ? 7.4 : style === 'small' ? 5.8 : 6.7);

interface Elk {
  layout(graph: ElkNode): Promise<unknown>;
}
const elkClass: new () => Elk = createRequire(import.meta.url)('elkjs');
const elk = new elkClass();

async function chartAt(name: string, path: string): Promise<Chart> {
  const { machine } = await importMachine(path, name);
  return { ...chartOf(machine).chart, name, source: null };
}

const shrunk = ({ x, y, width, height }: Place): Place => ({
  x: x + 1,
  y: y + 1,
  width: width - 2,
  height: height - 2,
});
const holds = (outer: Place, inner: Place): boolean =>
  outer.x <= inner.x &&
  outer.y <= inner.y &&
  outer.x + outer.width >= inner.x + inner.width &&
  outer.y + outer.height >= inner.y + inner.height;

describe.each(FILES)('the chart of %s', (name, path) => {
  let chart: Chart;
  let drawing: Drawing;
  beforeAll(async () => {
    chart = await chartAt(name, path);
    drawing = await draw(chart, measure, (graph) => elk.layout(graph));
  });
  const boxAt = (state: string): Place => {
    const box = drawing.boxes.get(state);
    if (box === undefined) throw new Error(`${state} has no box`);
    return box;
  };

  test('has every transition once for each target: as an edge, or as a line of the state that it stays in', () => {
    const drawn = [
      ...drawing.edges.flatMap(({ ways }) => ways.map(({ transition }) => transition.id)),
      ...[...drawing.graph.cards.values()].flatMap(({ rows }) => rows.flatMap(({ transition }) => transition ?? [])),
    ].sort();
    const all = chart.nodes.flatMap(({ transitions }) =>
      transitions.flatMap(({ id, targets }) => (targets.length === 0 ? [id] : targets.map(() => id))),
    );
    expect(drawn).toEqual(all.sort());
  });

  test('has each state within its parent, apart from the others there, and wide enough for its texts', () => {
    for (const { path: state, parent } of chart.nodes) {
      const box = boxAt(state);
      if (parent !== null) expect(holds(boxAt(parent), box), state).toBe(true);
      const others = chart.nodes.filter((other) => other.parent === parent && other.path !== state);
      for (const other of others) expect(overlap(box, boxAt(other.path)), `${state} and ${other.path}`).toBe(false);
      const head = drawing.heads.get(state);
      const card = drawing.graph.cards.get(state);
      if (head === undefined || card === undefined) throw new Error(state);
      expect(holds(box, head), `the texts of ${state}`).toBe(true);
      for (const row of card.rows) expect(measure(row.text, 'code')).toBeLessThan(head.width);
    }
  });

  test('has edges from state to state that cross no text', () => {
    const leaves = chart.nodes.filter((node) => !chart.nodes.some(({ parent }) => parent === node.path));
    for (const edge of drawing.edges) {
      expect(edge.points.length, edge.id).toBeGreaterThan(1);
      const texts = [
        ...leaves.map(({ path: state }) => boxAt(state)),
        ...chart.nodes.flatMap(({ path: state }) => drawing.heads.get(state) ?? []),
        ...drawing.edges.flatMap(({ id, label }) => (label === null || id === edge.id ? [] : [label])),
      ];
      for (const text of texts)
        expect(passes(edge, shrunk(text)), `${edge.id} over ${JSON.stringify(text)}`).toBe(false);
      // It ends where its arrow points: at the border of its target.
      const target = chart.nodes.find(({ path: state }) => boxId(state) === edge.to);
      const [x, y] = edge.points.at(-1) ?? [0, 0];
      const end = { x: x - 2, y: y - 2, width: 4, height: 4 };
      if (target !== undefined) expect(overlap(boxAt(target.path), end), edge.id).toBe(true);
    }
  });
});

test('states within states, regions, and ways from any state within are all there', async () => {
  const chart = await chartAt('regions', join(import.meta.dirname, 'regions.machine.ts'));
  const { cards, marks, edges } = graphOf(chart, measure);
  expect(marks.map(({ id }) => id).sort()).toEqual([
    ...['any:', 'initial:', 'initial:ordered.packing', 'initial:ordered.paying', 'initial:ordered.paying.asking'],
  ]);
  expect(cards.get('ordered.paying.asking')?.rows.map(({ text }) => text)).toEqual([
    'entry / reply One moment, please.',
  ]);
  expect(cards.get('ordered.packing.waiting')?.rows).toMatchObject([
    { kind: 'stays', text: 'message.received [says more] / count' },
  ]);
  const wordsOf = (from: string, to: string) =>
    edges.find((edge) => edge.from === from && edge.to === to)?.ways.map(({ lines }) => lines);
  expect(wordsOf('any:', boxId('open'))).toEqual([['order.reset']]);
  expect(wordsOf(boxId('ordered.packing.waiting'), boxId('ordered.packing.packed'))).toEqual([
    ['always [enough]'],
    ['after patience (1 min)'],
  ]);
  expect(wordsOf(boxId('ordered.paying.asking.second'), boxId('ordered.paying.asking.first'))).toEqual([['after 1 h']]);
});

test('delays are said as people say them', () => {
  expect([250, 1000, 90_000, 600_000, 7_200_000, 86_400_000].map(duration)).toEqual([
    ...['250 ms', '1 s', '90 s', '10 min', '2 h', '1 d'],
  ]);
});
