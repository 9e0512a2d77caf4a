import { useEffect, useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import { Canvas, measureOf } from './canvas.ts';
import type { Lit } from './drawing.ts';
import { elkWorker } from './elk.ts';
import { type Drawing, draw } from './layout.ts';

/** The chart's drawing, once it is laid out. */
export function Stage({
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
