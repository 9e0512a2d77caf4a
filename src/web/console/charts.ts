import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import { html } from '../ui/html.ts';

const HEIGHT = 44;
const dark = matchMedia('(prefers-color-scheme: dark)');

/** Comes after the page. It refuses a browser whose language is none that it knows: then figures alone are there. */
const library = import('uplot').then(
  (module) => module.default,
  () => null,
);

/** A small chart of the last minutes: a line without axes, its figure beside it. */
export function Spark({
  label,
  value,
  times,
  points,
}: {
  readonly label: string;
  readonly value: string;
  readonly times: readonly number[];
  readonly points: readonly number[];
}) {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef<uPlot.AlignedData>([[], []]);
  latest.current = [[...times], [...points]];
  useEffect(() => {
    const box = holder.current;
    if (box === null) return undefined;
    let gone = false;
    const make = async (): Promise<void> => {
      const Plot = await library;
      if (Plot === null || gone) return;
      plot.current?.destroy();
      const style = getComputedStyle(document.documentElement);
      plot.current = new Plot(
        {
          width: Math.max(40, box.clientWidth),
          height: HEIGHT,
          cursor: { show: false },
          legend: { show: false },
          axes: [{ show: false }, { show: false }],
          padding: [3, 0, 3, 0],
          scales: { x: { time: false }, y: { range: (_plot, _low, high) => [0, Math.max(1, high)] } },
          series: [
            {},
            {
              stroke: resolved(style, '--accent'),
              width: 1.5,
              fill: resolved(style, '--accent-soft'),
              points: { show: false },
            },
          ],
        },
        latest.current,
        box,
      );
    };
    void make();
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: Math.max(40, box.clientWidth), height: HEIGHT }),
    );
    resize.observe(box);
    dark.addEventListener('change', make);
    return () => {
      gone = true;
      resize.disconnect();
      dark.removeEventListener('change', make);
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(latest.current), [times]);
  return html`<figure class="spark"><figcaption><span class="muted">${label}</span> <b>${value}</b></figcaption><div class="spark-plot" ref=${holder} aria-hidden="true"></div></figure>`;
}

/** A colour of the theme as a canvas takes it: `light-dark()` it does not know. */
function resolved(style: CSSStyleDeclaration, name: string): string {
  const [, light = '', night = ''] = /light-dark\((#\w+),\s*(#\w+)\)/.exec(style.getPropertyValue(name)) ?? [];
  return (dark.matches ? night : light) || style.getPropertyValue(name);
}
