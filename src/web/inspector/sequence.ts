import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';

/** A lane: somebody who sends and gets. */
export interface Lane {
  readonly name: string;
  /** No actor, or not one that is looked at: shown as such. */
  readonly outside?: boolean;
}

/** A line of the diagram, from the top down. */
export interface SequenceRow {
  readonly key: string | number;
  readonly time: string;
  readonly kind: 'message' | 'state' | 'note';
  /** Lanes by name; of a state, or a note, `to` is not looked at. */
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** More about it, in a muted voice: what a user wrote. Text, whatever is in it. */
  readonly about: string;
  readonly tone?: 'good' | 'warn' | 'bad';
  /** What has become of it. */
  readonly fate?: { readonly text: string; readonly tone: 'good' | 'warn' | 'bad' | '' };
}

/** Px of a row: sequence.css has the same. */
const ROW = 38;
const TIME = 76;
/** Where lanes are narrower, as on a phone, their names stand upright, and there is no time beside them. */
const LANE_WIDE = 70;
const LANE_MIN = 44;
/** Rows drawn above and below those that are seen. */
const SPARE = 10;
/** Px from the end within which it follows what comes. */
const NEAR_END = 60;

/**
 * A sequence diagram: lanes side by side, what goes between them one below the other. It follows what is added, unless
 * somebody has scrolled away from the end. Only the rows that are seen are there.
 */
export function Sequence({
  name,
  lanes,
  rows,
  chosen,
  onChoose,
  follow,
  empty,
}: {
  readonly name: string;
  readonly lanes: readonly Lane[];
  readonly rows: readonly SequenceRow[];
  readonly chosen: string | number | null;
  readonly onChoose: (key: string | number) => void;
  /** Stay at the end as rows are added. */
  readonly follow: boolean;
  readonly empty: string;
}) {
  const frame = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [seen, setSeen] = useState({ top: 0, width: 800, height: 600 });
  const measure = (): void => {
    const { scrollTop: top = 0, clientWidth: width = 800, clientHeight: height = 600 } = frame.current ?? {};
    setSeen((before) =>
      before.top === top && before.width === width && before.height === height ? before : { top, width, height },
    );
  };
  useEffect(() => {
    const element = frame.current;
    if (element === null) return undefined;
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const last = rows.at(-1)?.key;
  useLayoutEffect(() => {
    const element = frame.current;
    if (element !== null && follow && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [last, rows.length, follow]);
  const index = chosen === null ? -1 : rows.findIndex(({ key }) => key === chosen);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null || index < 0) return;
    const [top, room] = [index * ROW, element.clientHeight - 2 * ROW];
    if (top < element.scrollTop || top > element.scrollTop + room) element.scrollTop = top - room / 2;
  }, [index, chosen]);
  const onScroll = (): void => {
    const element = frame.current;
    if (element !== null) atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_END;
    measure();
  };

  const wide = Math.floor((seen.width - TIME - 12) / Math.max(1, lanes.length));
  const isNarrow = wide < LANE_WIDE;
  const lane = isNarrow ? Math.max(LANE_MIN, Math.floor((seen.width - 4) / lanes.length)) : wide;
  const places = new Map(lanes.map(({ name: of }, n) => [of, n]));
  const begin = Math.max(0, Math.floor(seen.top / ROW) - SPARE);
  const end = Math.min(rows.length, Math.ceil((seen.top + seen.height) / ROW) + SPARE);
  return html`
    <div class="sequence" ref=${frame} onScroll=${onScroll} tabindex="0" role="group" aria-label=${name}>
      <div class=${isNarrow ? 'sequence-sheet narrow' : 'sequence-sheet'} style=${{ '--lane': `${lane}px`, '--lanes': String(lanes.length) }}>
        <div class="lanes" aria-hidden="true"><span class="lane-time"></span>
          ${lanes.map(({ name: of, outside }) => html`<span key=${of} class=${outside ? 'lane outside' : 'lane'}>${of}</span>`)}</div>
        ${rows.length === 0 ? html`<p class="empty sequence-empty">${empty}</p>` : null}
        <ol class="sequence-rows" style=${{ height: `${rows.length * ROW}px` }}>
          ${rows
            .slice(begin, end)
            .map(
              (row, n) =>
                html`<${Row} key=${row.key} row=${row} top=${(begin + n) * ROW} places=${places} chosen=${row.key === chosen} onChoose=${onChoose} />`,
            )}
        </ol>
      </div>
    </div>
  `;
}

function Row({
  row,
  top,
  places,
  chosen,
  onChoose,
}: {
  readonly row: SequenceRow;
  readonly top: number;
  readonly places: ReadonlyMap<string, number>;
  readonly chosen: boolean;
  readonly onChoose: (key: string | number) => void;
}) {
  const [from, to] = [places.get(row.from) ?? 0, places.get(row.to) ?? 0];
  const { kind, label, about, time, fate, tone = '' } = row;
  const isSelf = kind === 'message' && from === to;
  const way = kind !== 'message' ? kind : isSelf ? 'self' : from < to ? 'right' : 'left';
  const words = kind === 'message' ? `${row.from} to ${row.to}: ` : kind === 'state' ? `${row.from} is in ` : '';
  // What is said of the last lanes stands on their left.
  const flips = kind !== 'state' && Math.min(from, to) >= (places.size - 1) / 2;
  const style = {
    top: `${top}px`,
    '--from': String(Math.min(from, kind === 'message' ? to : from)),
    '--span': String(Math.abs(to - from)),
  };
  return html`
    <li class=${`sequence-row ${way} ${tone} ${flips ? 'flips' : ''}`} style=${style} aria-current=${chosen ? 'true' : undefined}>
      <span class="time mono muted">${time}</span>
      ${kind === 'message' ? html`<span class="line" aria-hidden="true"></span>` : null}
      <button class="said" type="button" onClick=${() => onChoose(row.key)}>
        <span class="visually-hidden">${words}</span><span class="mono label">${label}</span>${fate === undefined ? null : html` <span class=${`tag ${fate.tone} fate`}>${fate.text}</span>`}${about === '' ? null : html` <span class="muted about" dir="auto">${about}</span>`}
      </button>
    </li>
  `;
}
