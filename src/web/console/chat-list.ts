import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Avatar } from '../ui/avatar.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import type { ConsoleChat } from './answers.ts';
import type { Chats } from './chats.ts';
import { look, where } from './where.ts';
import { fullTime, shortWhen, titleOf } from './words.ts';

/** The height of a row, as page.css has it. */
const ROW = 78;
/** The next page is asked for when so many rows are left. */
const AHEAD = 40;

/** Rows in the page are those in view and a few more, however many chats there are. */
function useVirtualRows(count: number) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, draw] = useState({});
  const virtual = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => draw({}),
  };
  virtual.current ??= new Virtualizer(options);
  virtual.current.setOptions({ ...virtual.current.options, ...options });
  useEffect(() => virtual.current?._didMount(), []);
  useEffect(() => virtual.current?._willUpdate());
  return { scroller, virtual: virtual.current };
}

/** The chats, the latest first. Arrows go through them, Enter opens one. */
export function ChatList({ chats }: { readonly chats: Chats }) {
  const rows = chats.rows.value;
  const { scroller, virtual } = useVirtualRows(rows.length);
  const [active, setActive] = useState<string | null>(null);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= rows.length - AHEAD && chats.hasMore()) void chats.more();
  }, [last, rows.length]);
  const chosen = where.value.chat;
  const at = Math.max(
    0,
    rows.findIndex(({ chat }) => chat === (active ?? chosen)),
  );
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -rows.length, End: rows.length }[
      event.key
    ];
    if (step !== undefined) {
      event.preventDefault();
      const isNew = active === null && chosen === null;
      const to = Math.min(rows.length - 1, Math.max(0, isNew && step > 0 ? step - 1 : at + step));
      setActive(rows[to]?.chat ?? null);
      virtual.scrollToIndex(to);
    }
    if (event.key === 'Enter') {
      const row = rows[at];
      if (row !== undefined) look({ chat: row.chat, seq: null });
    }
  };
  return html`
    <div class="chat-rows" ref=${scroller} role="listbox" aria-label="Chats" tabindex="0" onKeyDown=${onKeyDown}
      aria-activedescendant=${rows[at] === undefined ? undefined : `row-${rows[at].chat}`}>
      <div class="rows-space" role="presentation" style=${{ height: `${virtual.getTotalSize()}px` }}>
        ${items.map(({ index, start }) => {
          const row = rows[index];
          return row === undefined
            ? null
            : html`<${Row} key=${row.chat} row=${row} start=${start} place=${index + 1} total=${chats.hasMore() ? -1 : rows.length}
                chosen=${row.chat === chosen} active=${row.chat === active} onOpen=${() => setActive(row.chat)} />`;
        })}
      </div>
    </div>
  `;
}

function Row({
  row,
  start,
  place,
  total,
  chosen,
  active,
  onOpen,
}: {
  readonly row: ConsoleChat;
  readonly start: number;
  readonly place: number;
  readonly total: number;
  readonly chosen: boolean;
  readonly active: boolean;
  readonly onOpen: () => void;
}) {
  const { chat, name, at, text, out, unread, unknown, scheduled, standings } = row;
  const open = (): void => {
    onOpen();
    look({ chat, seq: null });
  };
  const [standing] = standings;
  return html`
    <div class=${`chat-row${active ? ' active' : ''}`} id=${`row-${chat}`} role="option" aria-selected=${chosen} aria-posinset=${place} aria-setsize=${total}
      data-chat=${chat} style=${{ transform: `translateY(${start}px)` }} onClick=${open}>
      <${Avatar} id=${chat} name=${name} />
      <span class="row-main">
        <span class="row-head"><b class="row-name" dir="auto">${titleOf(name, chat)}</b><time class="muted" datetime=${at} title=${fullTime(at)}>${shortWhen(at)}</time></span>
        <span class="row-text" dir="auto">${out ? html`<span class="muted">Bot: </span>` : null}${text ?? ''}</span>
        <span class="row-tags">
          ${standing === undefined ? null : html`<span class=${`tag state ${standing.quarantined ? 'bad' : ''}`}>${standing.quarantined ? 'stands still' : standing.state || 'begins'}</span>`}
          ${standings.length > 1 ? html`<span class="muted">and more</span>` : null}
          ${unknown > 0 ? html`<span class="tag warn">${unknown} unknown</span>` : null}
          ${scheduled > 0 ? html`<span class="tag accent"><${Icon} name="clock" /> ${scheduled}</span>` : null}
          ${unread > 0 ? html`<span class="unread" aria-label=${`${unread > 99 ? 'more than 99' : unread} unread`}>${unread > 99 ? '99+' : unread}</span>` : null}
        </span>
      </span>
    </div>
  `;
}
