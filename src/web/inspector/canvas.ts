import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { Drawn, type DrawnProps } from './drawing.ts';
import type { Measure } from './graph.ts';
import type { Place } from './layout.ts';

/** What of the drawing is seen: its point in the upper left corner, and px of the screen for one of the drawing. */
interface View {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

const [SCALE_MIN, SCALE_MAX] = [0.15, 2.5];
/** Below it a chart's texts are too small. */
const READABLE = 0.75;
const MARGIN = 16;

/** A chart that can be moved with the mouse, a finger or the arrow keys, and made larger and smaller. */
export function Canvas(props: Omit<DrawnProps, 'onFocus'>) {
  const { drawing, lit } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({ x: 0, y: 0, scale: 1 });
  const pointers = useRef(new Map<number, { readonly x: number; readonly y: number }>());
  const moved = useRef(false);
  const size = (): { width: number; height: number } => {
    const { clientWidth: width = 1, clientHeight: height = 1 } = frame.current ?? {};
    return { width, height };
  };

  /** All of it, or as much of it from the top as can be read. */
  const show = (scaleMin: number): void => {
    const { width, height } = size();
    const whole = Math.min((width - 2 * MARGIN) / drawing.width, (height - 2 * MARGIN) / drawing.height);
    const wide = (width - 2 * MARGIN) / drawing.width;
    const scale = whole >= scaleMin ? Math.min(1, whole) : Math.max(scaleMin, Math.min(1, wide));
    const [shownWidth, shownHeight] = [width / scale, height / scale];
    setView({
      scale,
      x: shownWidth > drawing.width ? (drawing.width - shownWidth) / 2 : -MARGIN / scale,
      y: shownHeight > drawing.height ? (drawing.height - shownHeight) / 2 : -MARGIN / scale,
    });
  };
  const zoom = (factor: number, at: { readonly x: number; readonly y: number } | null = null): void =>
    setView((before) => {
      const { width, height } = size();
      const { x, y } = at ?? { x: width / 2, y: height / 2 };
      const scale = clamp(before.scale * factor);
      return { scale, x: before.x + x / before.scale - x / scale, y: before.y + y / before.scale - y / scale };
    });
  const move = (dx: number, dy: number): void =>
    setView(({ x, y, scale }) => ({ scale, x: x + dx / scale, y: y + dy / scale }));
  /** Moves no further than is needed to see it. */
  const reveal = (place: Place): void =>
    setView((before) => {
      const { scale } = before;
      const [width, height] = [size().width / scale, size().height / scale];
      return {
        scale,
        x: nearest(before.x, width, place.x, place.width),
        y: nearest(before.y, height, place.y, place.height),
      };
    });

  /** Where a chat is, unless that is in several places at once; else what is looked at. */
  const leaves = [...lit.states].filter((path) => ![...lit.states].some((other) => other.startsWith(`${path}.`)));
  const current = leaves.length === 1 ? leaves[0] : (lit.chosen ?? undefined);
  const revealCurrent = (): void => {
    const place = current === undefined ? undefined : drawing.boxes.get(current);
    if (place !== undefined) reveal(place);
  };
  const begin = (): void => {
    show(READABLE);
    revealCurrent();
  };
  const onResize = useRef(begin);
  onResize.current = begin;
  useLayoutEffect(begin, [drawing]);
  useEffect(revealCurrent, [current]);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    const watch = new ResizeObserver(() => onResize.current());
    watch.observe(element);
    // Registered by hand: it must be allowed to keep the page from scrolling.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey)
        zoom(Math.exp(-event.deltaY / 200), { x: event.clientX - box.left, y: event.clientY - box.top });
      else move(event.deltaX, event.deltaY);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => {
      watch.disconnect();
      element.removeEventListener('wheel', onWheel);
    };
  }, [drawing]);

  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    moved.current = false;
  };
  const onPointerMove = (event: PointerEvent): void => {
    const before = pointers.current.get(event.pointerId);
    if (before === undefined) return;
    const now = { x: event.clientX, y: event.clientY };
    const [other] = [...pointers.current].flatMap(([id, point]) => (id === event.pointerId ? [] : [point]));
    if (other === undefined) {
      if (!moved.current && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      moved.current = true;
      frame.current?.setPointerCapture(event.pointerId);
      move(before.x - now.x, before.y - now.y);
    } else {
      moved.current = true;
      const box = frame.current?.getBoundingClientRect();
      const middle = { x: (now.x + other.x) / 2 - (box?.left ?? 0), y: (now.y + other.y) / 2 - (box?.top ?? 0) };
      zoom(distance(now, other) / Math.max(1, distance(before, other)), middle);
    }
    pointers.current.set(event.pointerId, now);
  };
  const onPointerEnd = (event: PointerEvent): void => void pointers.current.delete(event.pointerId);
  const onKeyDown = (event: KeyboardEvent): void => {
    // Arrow keys on the frame itself: within the page they travel through time.
    const step = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] }[event.key];
    if (step !== undefined && event.target === frame.current) move(step[0] ?? 0, step[1] ?? 0);
    else if (event.key === '+' || event.key === '=') zoom(1.25);
    else if (event.key === '-') zoom(0.8);
    else if (event.key === '0') show(SCALE_MIN);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const choose = (path: string): void => {
    if (!moved.current) props.onChoose(path);
  };

  const { x, y, scale } = view;
  return html`
    <div class="canvas" ref=${frame} tabindex="0" role="group"
      aria-label="Chart of ${drawing.chart.name}. Arrow keys move it, plus and minus zoom, zero shows all"
      onPointerDown=${onPointerDown} onPointerMove=${onPointerMove} onPointerUp=${onPointerEnd} onPointerCancel=${onPointerEnd}
      onKeyDown=${onKeyDown}>
      <svg width="100%" height="100%">
        <defs>
          ${['arrow', 'arrow-lit'].map(
            (
              id,
            ) => html`<marker id=${id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
              <path d="M0 0L8 4L0 8z" /></marker>`,
          )}
        </defs>
        <g transform=${`scale(${scale}) translate(${-x} ${-y})`}>
          <${Drawn} ...${props} onChoose=${choose} onFocus=${reveal} />
        </g>
      </svg>
    </div>
    <div class="zoom" role="group" aria-label="Zoom">
      <button class="button zoom-step" type="button" aria-label="Smaller" onClick=${() => zoom(0.8)}>−</button>
      <button class="button zoom-step" type="button" aria-label=${`${Math.round(scale * 100)}%, show all`} onClick=${() => show(SCALE_MIN)}>${Math.round(scale * 100)}%</button>
      <button class="button zoom-step" type="button" aria-label="Larger" onClick=${() => zoom(1.25)}>+</button>
    </div>
  `;
}

const clamp = (scale: number): number => Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale));

const distance = (a: { x: number; y: number }, b: { x: number; y: number }): number => Math.hypot(a.x - b.x, a.y - b.y);

/** Where a window of that length must begin to show a stretch, moved as little as possible; its beginning, if it is longer. */
function nearest(from: number, length: number, start: number, extent: number): number {
  const margin = Math.min(24, length / 8);
  if (extent + 2 * margin > length) return start < from || start > from + length / 2 ? start - margin : from;
  if (start - margin < from) return start - margin;
  return Math.max(from, start + extent + margin - length);
}

/** Measures with the page's own fonts. */
export function measureOf(): Measure {
  const context = document.createElement('canvas').getContext('2d');
  const style = getComputedStyle(document.documentElement);
  const [sans, mono] = [style.getPropertyValue('--sans'), style.getPropertyValue('--mono')];
  const fonts = { title: `650 13px ${sans}`, small: `11.5px ${sans}`, code: `11px ${mono}` };
  return (text, kind) => {
    if (context === null) return text.length * 7;
    context.font = fonts[kind];
    return context.measureText(text).width;
  };
}
