import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { visibleOr } from '../ui/visible.ts';
import type { Line } from './answers.ts';
import { Fate } from './fate.ts';
import { MediaView } from './media.ts';
import { linkTo, look } from './where.ts';
import { fullTime, timeOf } from './words.ts';

/** What a line says of others of its transcript. */
export interface Around {
  readonly edited: boolean;
  readonly deleted: boolean;
  /** The line of the message that this one answers, or changes; null: it is not in view. */
  readonly to: Line | null;
}

/** One line of a transcript: what somebody said, or a notice. All of it is text. */
export function LineView({
  line,
  around,
  lit,
  mayWrite,
}: {
  readonly line: Line;
  readonly around: Around;
  readonly lit: boolean;
  readonly mayWrite: boolean;
}) {
  const { seq, at, side, from, text, label, media, buttons, message } = line;
  const marks = `${lit ? ' lit' : ''}${around.deleted ? ' deleted' : ''}`;
  const foot = html`
    <span class="line-foot">
      ${around.edited ? html`<span>edited later</span>` : null}${around.deleted ? html`<span>deleted later</span>` : null}
      <time datetime=${at} title=${fullTime(at)}>${timeOf(at)}</time>
      ${side === 'out' && message !== null ? html`<${Fate} message=${message} mayWrite=${mayWrite} />` : null}
      <${CopyLink} seq=${seq} />
    </span>
  `;
  if (side === 'notice') {
    return html`<li class=${`notice-line${marks}`} data-seq=${seq} tabindex="-1"><span class="notice-text" dir="auto">${label}${text === '' ? null : html`: <span>${text}</span>`}</span>${foot}</li>`;
  }
  const to = around.to;
  return html`
    <li class=${`line ${side}${marks}`} data-seq=${seq} data-status=${message?.status} tabindex="-1">
      <div class="bubble">
        ${side === 'in' && from !== null ? html`<span class="line-from" dir="auto">${visibleOr(from, isGroup(line.chat) ? 'somebody' : line.chat)}</span>` : null}
        ${to === null ? null : html`<button class="quote" type="button" dir="auto" onClick=${() => look({ chat: line.chat, seq: to.seq })}>${to.text || to.label || 'a message'}</button>`}
        ${label === '' ? null : html`<span class="line-label" dir="auto">${label}</span>`}
        ${media.map((one) => html`<${MediaView} media=${one} />`)}
        ${text === '' ? null : html`<p class="line-text" dir="auto">${text}</p>`}
        ${buttons.length === 0 ? null : html`<span class="keys" aria-label="Buttons">${buttons.map((row) => html`<span class="key-row">${row.map((one) => html`<span class="key" dir="auto">${one}</span>`)}</span>`)}</span>`}
        ${foot}
      </div>
    </li>
  `;
}

/** Of a group or a channel the id is no person's. */
const isGroup = (chat: string): boolean => /^[-@]/.test(chat);

/** Puts the address of an entry on the clipboard. */
function CopyLink({ seq }: { readonly seq: number }) {
  const [said, setSaid] = useState(false);
  const copy = async (event: Event): Promise<void> => {
    event.preventDefault();
    await navigator.clipboard?.writeText(linkTo(seq)).then(
      () => {
        setSaid(true);
        setTimeout(() => setSaid(false), 1500);
      },
      () => look({ chat: null, seq }),
    );
  };
  return html`<a class="copy-link" href=${`#seq=${seq}`} title=${`Copy a link to ${seq}`} aria-label=${`Copy a link to entry ${seq}`} onClick=${copy}>${said ? html`<span role="status">copied</span>` : html`<span class="seq">${seq}</span><${Icon} name="link" />`}</a>`;
}
