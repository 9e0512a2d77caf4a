import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import type { Line } from './answers.ts';
import * as answers from './answers.ts';
import { type Around, LineView } from './line.ts';
import type { TranscriptModel } from './transcript.ts';
import { look } from './where.ts';
import { dayOf } from './words.ts';

/** How near to an end of what is loaded more is asked for, px. */
const NEAR = 400;
const AT_END = 60;

/** The lines of a transcript, the newest at the end. What one looks at stays where it is, whatever comes before or after it. */
export function Lines({
  model,
  mayWrite,
  onRead,
}: {
  readonly model: TranscriptModel;
  readonly mayWrite: boolean;
  readonly onRead: (chat: string) => void;
}) {
  const pane = useRef<HTMLDivElement>(null);
  /** What is to stay where it is in view: a line, and its place; null: the end is to stay in view. */
  const anchor = useRef<{ readonly seq: string; readonly top: number } | null>(null);
  const shown = useRef<number | null>(null);
  const [away, setAway] = useState(false);
  const lines = model.lines.value;
  const wanted = model.wanted.value;
  const [earlier, later] = [model.earlier.value, model.later.value];

  const note = (): void => {
    const box = pane.current;
    if (box === null) return;
    const left = box.scrollHeight - box.scrollTop - box.clientHeight;
    const atEnd = left < AT_END && !later;
    setAway(!atEnd);
    const top = box.getBoundingClientRect().top;
    const first = [...box.querySelectorAll<HTMLElement>('[data-seq]')].find(
      (line) => line.getBoundingClientRect().bottom > top,
    );
    anchor.current =
      atEnd || first === undefined ? null : { seq: first.dataset.seq ?? '', top: first.getBoundingClientRect().top };
    if (box.scrollTop < NEAR && earlier) void model.loadEarlier();
    if (left < NEAR && later) void model.loadLater();
  };

  useLayoutEffect(() => {
    const box = pane.current;
    if (box === null || lines.length === 0) return;
    if (wanted !== null && shown.current !== wanted) {
      const line = box.querySelector<HTMLElement>(`[data-seq="${wanted}"]`);
      if (line !== null) {
        shown.current = wanted;
        line.scrollIntoView({ block: 'center' });
        line.focus({ preventScroll: true });
        note();
        return;
      }
    }
    const kept = anchor.current;
    if (kept === null) box.scrollTop = box.scrollHeight;
    else {
      const line = box.querySelector<HTMLElement>(`[data-seq="${kept.seq}"]`);
      if (line !== null) box.scrollTop += line.getBoundingClientRect().top - kept.top;
    }
    note();
  }, [lines, wanted, earlier]);

  // A picture that has come, or a composer that grew, pushes the end out of view.
  useEffect(() => {
    const box = pane.current;
    if (box === null) return undefined;
    const keep = new ResizeObserver(() => {
      if (anchor.current === null) box.scrollTop = box.scrollHeight;
    });
    keep.observe(box);
    for (const child of box.children) keep.observe(child);
    return () => keep.disconnect();
  }, []);

  // What is in view to its end has been read.
  const newest = lines.at(-1)?.seq ?? 0;
  const unread = model.row.value?.unread ?? 0;
  useEffect(() => {
    const read = (): void => {
      if (away || later || unread === 0 || document.hidden) return;
      answers.markRead(model.chat, model.row.value?.seq ?? newest).then(
        () => {
          onRead(model.chat);
          void model.changed();
        },
        () => {},
      );
    };
    read();
    // Nobody reads in a tab that is not shown; once it is, all in view is.
    document.addEventListener('visibilitychange', read);
    return () => document.removeEventListener('visibilitychange', read);
  }, [newest, unread, away, later]);

  const around = aroundOf(lines);
  const missing = model.loaded.value && wanted !== null && !lines.some(({ seq }) => seq === wanted);
  return html`
    <div class="lines-box">
      <div class="lines" ref=${pane} onScroll=${note} tabindex="0" role="region" aria-label="Transcript">
        <ol aria-label="Transcript" aria-busy=${!model.loaded.value}>
          ${earlier ? html`<li class="more muted">Earlier…</li>` : null}
          ${model.indexing.value && !earlier ? html`<li class="more muted" role="status">What is older is being indexed…</li>` : null}
          ${model.loaded.value && lines.length === 0 && !model.indexing.value ? html`<li class="empty">Nothing is kept of this chat.</li>` : null}
          ${missing ? html`<li class="notice">Entry ${wanted} is not in this transcript: retention may have taken it.</li>` : null}
          ${lines.map((line, n) => {
            const day = dayOf(line.at);
            const head =
              n === 0 || dayOf(lines[n - 1]?.at ?? '') !== day
                ? html`<li class="day" key=${`day ${day}`}><span>${day}</span></li>`
                : null;
            return html`${head}<${LineView} key=${line.seq} line=${line} around=${around(line)} lit=${line.seq === wanted} mayWrite=${mayWrite} />`;
          })}
          ${later ? html`<li class="more muted">Later…</li>` : null}
        </ol>
      </div>
      ${
        away
          ? html`<button class="button to-newest" type="button" onClick=${() => {
              anchor.current = null;
              look({ chat: model.chat, seq: null });
              model.wanted.value = null;
              void model.toNewest().then(() => pane.current?.scrollTo({ top: pane.current.scrollHeight }));
            }}><${Icon} name="down" /> Newest</button>`
          : null
      }
    </div>
  `;
}

/** What the lines in view say of each other. Ids of messages are Telegram's, of one chat. */
function aroundOf(lines: readonly Line[]): (line: Line) => Around {
  const edited = new Set(lines.flatMap(({ chat, edits }) => (edits === null ? [] : [`${chat} ${edits}`])));
  const deleted = new Set(lines.flatMap(({ chat, deletes }) => deletes.map((id) => `${chat} ${id}`)));
  const byId = new Map(
    lines.flatMap((line) =>
      line.message_id === null || line.edits !== null ? [] : [[`${line.chat} ${line.message_id}`, line] as const],
    ),
  );
  return (line) => {
    const id = `${line.chat} ${line.message_id}`;
    const isFirst = line.edits === null && line.message_id !== null;
    const to = line.edits ?? line.reply_to;
    return {
      edited: isFirst && edited.has(id),
      deleted: isFirst && deleted.has(id),
      to: to === null ? null : (byId.get(`${line.chat} ${to}`) ?? null),
    };
  };
}
