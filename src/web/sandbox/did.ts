import type { Message } from '@grammyjs/types';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { stateText } from '../inspector/difference.ts';
import { timerName } from '../inspector/steps.ts';
import { fieldsOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { type Act, type Entry, messageIn, type Sending } from './acts.ts';
import { acts, chooseAct, chosen, concerns } from './chosen.ts';
import { Elsewhere } from './elsewhere.ts';
import { lineOf } from './names.ts';
import { pane } from './where.ts';

const SHOWN = 60;

/** What Switchboard did with the chat's messages: from the journal, as it happens. */
export function DidPane() {
  const followed = acts.value;
  const all = followed?.acts.value ?? [];
  const [shown, setShown] = useState(SHOWN);
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const marked = chosen.value;
  useLayoutEffect(() => {
    const area = list.current;
    if (area !== null && atEnd.current) area.scrollTop = area.scrollHeight;
  });
  useEffect(() => {
    if (marked?.from !== 'chat') return;
    list.current?.querySelector('.act.chosen')?.scrollIntoView({ block: 'nearest' });
  }, [marked, pane.value]);
  const onScroll = (): void => {
    const area = list.current;
    if (area !== null) atEnd.current = area.scrollHeight - area.scrollTop - area.clientHeight < 48;
  };
  const conversation = conversationOf(all) ?? (followed === null ? null : String(followed.chat));
  return html`
    <aside class="did" aria-label="What Switchboard did">
      <header class="pane-head">
        <button type="button" class="button quiet narrow-only" aria-label="To the chat" onClick=${() => (pane.value = 'chat')}><${Icon} name="back" /></button>
        <h2>What Switchboard did</h2>
        ${conversation === null ? null : html`<span class="elsewhere"><${Elsewhere} conversation=${conversation} /></span>`}
      </header>
      <div class="acts" ref=${list} onScroll=${onScroll} tabindex="0" role="region" aria-label="Journal of this chat">
        ${all.length === 0 ? html`<p class="muted nothing">Nothing yet. What Switchboard writes into its journal about this chat is told here as it happens: the update, the state that it led to, and what became of each answer.</p>` : null}
        ${all.length > shown ? html`<button type="button" class="button earlier" onClick=${() => setShown(shown + SHOWN)}>Earlier</button>` : null}
        <ol>${all.slice(-shown).map((act) => html`<${ActView} key=${act.seq} act=${act} isChosen=${concerns(act)} />`)}</ol>
      </div>
    </aside>
  `;
}

/** In a group each writer may have a conversation of their own: the one that moved last. */
function conversationOf(all: readonly Act[]): string | null {
  const moved = all.flatMap(({ told }) => told).findLast(({ conversation }) => typeof conversation === 'string');
  return moved === undefined ? null : String(moved.conversation);
}

function ActView({ act, isChosen }: { readonly act: Act; readonly isChosen: boolean }) {
  const { cause, told, sendings, messages } = act;
  const at = (cause ?? told[0] ?? sendings[0]?.accepted ?? sendings[0]?.fate)?.at;
  const title = cause === null ? (sendings.length > 0 ? 'Posted by an aggregator' : 'Switchboard') : causeTitle(cause);
  const about = cause === null ? null : causeText(cause);
  return html`
    <li class=${isChosen ? 'act chosen' : 'act'} data-seq=${act.seq}>
      <button type="button" class="act-head" aria-pressed=${isChosen} disabled=${messages.size === 0} onClick=${() => chooseAct(act)}>
        <span class="seq mono">#${act.seq}</span><b>${title}</b>${at === undefined ? null : html`<time class="muted" datetime=${at}>${new Date(at).toLocaleTimeString()}</time>`}
      </button>
      ${about === null ? null : html`<p class="about" dir="auto">${about}</p>`}
      ${told.map((entry) => html`<${Told} key=${entry.seq} entry=${entry} />`)}
      ${sendings.map((sending) => html`<${SendingView} key=${sending.id} sending=${sending} />`)}
    </li>
  `;
}

const UPDATES: ReadonlyMap<string, string> = new Map([
  ['message', 'Message'],
  ['edited_message', 'Edit'],
  ['callback_query', 'Button pressed'],
  ['my_chat_member', 'Membership of the bot'],
]);

function causeTitle({ type, update, src, event }: Entry): string {
  switch (type) {
    case 'update.received': {
      const kind = Object.keys(fieldsOf(update)).find((name) => name !== 'update_id') ?? 'update';
      return UPDATES.get(kind) ?? kind;
    }
    case 'event.received':
      return `Event ${String(fieldsOf(event).type)}`;
    case 'timer.fired':
      return 'Timer';
    case 'request.answered':
      return `Backend answered ${String(src)}`;
    default:
      return type;
  }
}

function causeText(entry: Entry): string | null {
  const update = fieldsOf(entry.update);
  const { data } = fieldsOf(update.callback_query);
  // What the machine gave the button, which itself carries a token.
  if (typeof data === 'string') return typeof entry.button === 'string' ? entry.button : data;
  const { status } = fieldsOf(fieldsOf(update.my_chat_member).new_chat_member);
  if (typeof status === 'string')
    return status === 'kicked' ? 'The bot was blocked or removed' : 'The bot may write here';
  const message = messageIn(update);
  if (message !== null) return lineOf(message as unknown as Message);
  if (entry.type === 'timer.fired') return timerName(String(entry.timer));
  if (entry.type === 'request.answered') return JSON.stringify(entry.error ?? entry.output ?? null).slice(0, 300);
  return null;
}

/** A transition, or what else became of the conversation. */
function Told({ entry }: { readonly entry: Entry }) {
  const { type, machine, from, to, error, seq } = entry;
  const what =
    type === 'chat.moved'
      ? html`<span class="move"><span class="muted">${String(machine)}</span> <span class="mono">${from === null ? 'begins' : stateText(from)}</span> <${Icon} name="stepForth" /> <b class="mono">${stateText(to)}</b></span>`
      : html`<span class=${`tag ${type === 'chat.quarantined' ? 'bad' : ''}`}>${type}</span> <span dir="auto">${typeof error === 'string' ? error : ''}</span>`;
  return html`<p class="told"><span class="seq mono">#${seq}</span>${what}</p>`;
}

const LOOKS: Readonly<Record<string, string>> = {
  sent: 'good',
  failed: 'bad',
  unknown: 'warn',
  canceled: '',
  expired: 'warn',
};

/** How a message stands that nothing has become of yet. */
function waitsText({ send_at }: Readonly<Record<string, unknown>>): string {
  const at = typeof send_at === 'string' ? new Date(send_at) : null;
  if (at === null || at.getTime() <= Date.now()) return 'on its way';
  return `scheduled for ${at.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })}`;
}

/** A message of the bot, and what became of it. */
function SendingView({ sending: { accepted, fate } }: { readonly sending: Sending }) {
  const message = fieldsOf(accepted?.message ?? fate?.message);
  const params = fieldsOf(message.params);
  const text = params.text ?? params.caption;
  const status = fate === null ? String(message.status ?? 'queued') : fate.type.replace('message.', '');
  const { description, code } = fieldsOf(fieldsOf(fate?.message).error);
  const history = fieldsOf(fieldsOf(fate?.message).error).history;
  return html`
    <div class="sending">
      <p class="told"><span class="seq mono">#${accepted?.seq ?? fate?.seq}</span><span>${String(message.method)}</span>
        <span class=${`tag ${fate === null ? 'accent' : LOOKS[status]}`} data-fate=${status}>${fate === null ? waitsText(message) : status}</span>
        ${fate === null ? null : html`<span class="seq mono">#${fate.seq}</span>`}</p>
      ${typeof text === 'string' ? html`<p class="about" dir="auto">${text}</p>` : null}
      ${description === undefined ? null : html`<p class="why" dir="auto">${code === 0 ? '' : `${String(code)} `}${String(description)}</p>`}
      ${Array.isArray(history) ? html`<p class="why muted">before: ${history.map((one) => `${String(fieldsOf(one).description)} × ${String(fieldsOf(one).times)}`).join(', ')}</p>` : null}
    </div>
  `;
}
