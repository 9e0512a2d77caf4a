import type { Chart } from '../../inspector/inspector.ts';
import { fieldsOf } from '../ui/api.ts';
import { boxId, type Edge, type ElkNode, elkOf, type Graph, graphOf, headId, type Measure } from './graph.ts';

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface PlacedEdge extends Edge {
  readonly points: readonly (readonly [number, number])[];
  readonly label: Place | null;
}

/** A chart with a place for everything, px from its upper left corner. */
export interface Drawing {
  readonly chart: Chart;
  readonly graph: Graph;
  /** By state. */
  readonly boxes: ReadonlyMap<string, Place>;
  /** Where to write what a state is, by its path: in its upper left corner, or where there is room above those within. */
  readonly heads: ReadonlyMap<string, Place>;
  /** By the id of a mark. */
  readonly marks: ReadonlyMap<string, Place>;
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

/** Lays out; rejects with why it could not. */
export type Elk = (graph: ElkNode) => Promise<unknown>;

/** Gives everything of a chart its place. */
export async function draw(chart: Chart, measure: Measure, elk: Elk): Promise<Drawing> {
  const graph = graphOf(chart, measure);
  const laidOut = fieldsOf(await elk(elkOf(chart, graph)));
  const places = new Map<string, Place>();
  collect(laidOut.children, places);
  const edges = new Map(listOf(laidOut.edges).map((edge) => [String(fieldsOf(edge).id), fieldsOf(edge)]));
  const at = (id: string): Place => places.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const edgesPlaced = graph.edges.map((edge): PlacedEdge => {
    const { sections, labels } = edges.get(edge.id) ?? {};
    const points = listOf(sections).flatMap((section) => {
      const { startPoint, bendPoints, endPoint } = fieldsOf(section);
      return [startPoint, ...listOf(bendPoints), endPoint].map((point): readonly [number, number] => {
        const { x, y } = fieldsOf(point);
        return [Number(x), Number(y)];
      });
    });
    const [label] = listOf(labels);
    if (edge.back) points.reverse();
    return { ...edge, points, label: label === undefined ? null : placeOf(label) };
  });
  /** In the upper left corner, unless an edge passes there. */
  const headOf = (path: string): Place => {
    const box = at(boxId(path));
    const head = places.get(headId(path));
    if (head === undefined) return box;
    const corner = { ...head, x: box.x, y: box.y };
    const isWithin = (id: string): boolean => id !== headId(path) && isInside(at(id), box) && overlap(at(id), corner);
    return edgesPlaced.some((edge) => passes(edge, corner)) || [...places.keys()].some(isWithin) ? head : corner;
  };
  return {
    chart,
    graph,
    boxes: new Map(chart.nodes.map(({ path }) => [path, at(boxId(path))])),
    heads: new Map(chart.nodes.map(({ path }) => [path, headOf(path)])),
    marks: new Map(graph.marks.map(({ id }) => [id, at(id)])),
    edges: edgesPlaced,
    width: Number(laidOut.width),
    height: Number(laidOut.height),
  };
}

/** Whether an edge, whose lines go straight up or sideways, or what is written on it, comes into a place. */
export function passes({ points, label }: Pick<PlacedEdge, 'points' | 'label'>, place: Place): boolean {
  const lines = points.slice(1).map(([x, y], n): Place => {
    const [fromX, fromY] = points[n] ?? [x, y];
    return { x: Math.min(x, fromX), y: Math.min(y, fromY), width: Math.abs(x - fromX), height: Math.abs(y - fromY) };
  });
  return [...lines, ...(label === null ? [] : [label])].some((line) => overlap(line, place));
}

/** Whether two places have a point in common that is not on both borders. */
export const overlap = (a: Place, b: Place): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const isInside = (inner: Place, outer: Place): boolean =>
  inner !== outer &&
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function placeOf(value: unknown): Place {
  const { x, y, width, height } = fieldsOf(value);
  return { x: Number(x), y: Number(y), width: Number(width), height: Number(height) };
}

function collect(children: unknown, places: Map<string, Place>): void {
  for (const child of listOf(children)) {
    const { id, children: within } = fieldsOf(child);
    places.set(String(id), placeOf(child));
    collect(within, places);
  }
}
