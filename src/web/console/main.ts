import { render } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Bar } from '../ui/bar.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { Login, refreshWho, who } from '../ui/login.ts';
import * as answers from './answers.ts';
import { ChatList } from './chat-list.ts';
import { ChatPane } from './chat-pane.ts';
import { createChats } from './chats.ts';
import { createDrafts } from './draft.ts';
import { Filters } from './filters.ts';
import { createLive } from './live.ts';
import { OverviewPanel } from './overview.ts';
import { Found } from './search.ts';
import { createTranscript, type TranscriptModel } from './transcript.ts';
import { look, where } from './where.ts';
import { failureText, numberText } from './words.ts';
import { WritingAlone } from './writing-alone.ts';

function App() {
  const me = who.value;
  if (me === undefined) return null;
  const bar = html`<${Bar} page="console" />`;
  if (me === null)
    return html`${bar}<main><${Login} roles=${['admin', 'support', 'backend', 'operator', 'aggregator']} /></main>`;
  if (!me.scopes.includes('read') && !me.scopes.includes('write'))
    return html`${bar}<main class="empty"><h1>This key may not use the console</h1><p>Log out, and in again with a key of the role support, operator or admin.</p></main>`;
  if (!me.scopes.includes('read')) return html`${bar}<${WritingAlone} key=${me.id} />`;
  return html`<${Console} key=${me.id} />`;
}

const NO_PROGRESS = { indexed: 0, entries: 0, complete: true, fault: null };

function Console() {
  const chats = useMemo(createChats, []);
  const draftOf = useMemo(createDrafts, []);
  const open = useRef<TranscriptModel | null>(null);
  const [model, setModel] = useState<TranscriptModel | null>(null);
  const [text, setText] = useState('');
  const [status, setStatus] = useState(false);
  const [lost, setLost] = useState('');
  const search = useRef<HTMLInputElement>(null);
  const live = useMemo(
    () =>
      createLive({
        changed(chat) {
          chats.changed(chat);
          const own = open.current;
          // A group that became another shows what happens under its former id too.
          if (own !== null && (own.chat === chat || own.lines.value.some((line) => line.chat === chat)))
            void own.changed();
        },
        reload() {
          void chats.reload();
          void open.current?.changed();
        },
      }),
    [],
  );
  useEffect(() => {
    void chats.reload();
    return () => {
      live.close();
      chats.close();
      open.current?.close();
    };
  }, []);

  const { chat, seq } = where.value;
  useEffect(() => {
    setLost('');
    if (chat === null && seq !== null) {
      answers.place(seq).then(look, (error: unknown) => setLost(`Entry ${seq}: ${failureText(error)}`));
      return;
    }
    const own = open.current;
    if (own !== null && own.chat === chat) {
      if (seq !== null && seq !== own.wanted.value) void own.to(seq);
      return;
    }
    own?.close();
    open.current = chat === null ? null : createTranscript(chat, seq);
    setModel(open.current);
  }, [chat, seq]);

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      const writing = event.target instanceof Element && event.target.closest('input, textarea, select') !== null;
      if (event.key === '/' && !writing) {
        event.preventDefault();
        search.current?.focus();
      }
      // What is being written is not left by accident, nor with an Esc that is the input method's.
      const isDraft = event.target instanceof HTMLTextAreaElement && event.target.value !== '';
      if (event.key === 'Escape' && !event.isComposing && !isDraft) back();
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  });

  /** One thing less: the search, the status, the chat. */
  function back(): void {
    if (text !== '') setText('');
    else if (status) setStatus(false);
    else {
      look({ chat: null, seq: null });
      document.querySelector<HTMLElement>('[role=listbox]')?.focus();
    }
  }

  const { indexed, entries, complete, fault } = chats.progress.value ?? NO_PROGRESS;
  const rows = chats.rows.value;
  const pane = status ? 'status' : chat !== null ? 'chat' : 'list';
  return html`
    <${Bar} page="console">
      <button class="button quiet status-button" type="button" aria-pressed=${status} onClick=${() => setStatus(!status)}><${Icon} name="chart" /> Status</button>
    </${Bar}>
    ${live.connected.value ? null : html`<p class="notice connection" role="status">Not connected, trying again…</p>`}
    ${live.failure.value === null ? null : html`<p class="notice bad connection" role="alert">${live.failure.value}. Then load this page again: until then it shows nothing new by itself.</p>`}
    <main class="console" data-pane=${pane}>
      <section class="list-pane" aria-label="Chats">
        <div class="search"><input ref=${search} type="search" aria-label="Search" placeholder="Search  ( / )" maxlength="200" value=${text}
          onInput=${(event: InputEvent) => setText((event.target as HTMLInputElement).value)} /></div>
        ${text.trim() === '' ? html`<${Filters} chats=${chats} />` : null}
        ${fault === null ? null : html`<p class="notice bad" role="alert">Older chats and messages may be missing here. ${fault}</p>`}
        ${fault === null && !complete && entries > 0 ? html`<p class="progress muted" role="status"><progress max=${entries} value=${indexed} aria-label="Indexed"></progress> Indexed ${Math.floor((indexed * 100) / entries)} %</p>` : null}
        ${chats.failure.value === null ? null : html`<p class="notice bad" role="alert">${chats.failure.value}</p>`}
        ${
          text.trim() !== ''
            ? html`<${Found} text=${text.trim()} />`
            : chats.loaded.value && rows.length === 0
              ? html`<div class="empty"><p>${chats.filter.value.kind === 'all' && chats.filter.value.machine === null ? 'No chat yet. It appears here as soon as somebody writes to the bot.' : 'No chat is like this.'}</p></div>`
              : html`<${ChatList} chats=${chats} />`
        }
        ${chats.total.value === null || text !== '' ? null : html`<p class="count muted">${numberText(chats.total.value)} ${chats.total.value === 1 ? 'chat' : 'chats'}</p>`}
      </section>
      <section class="middle" aria-label="Chat">
        ${lost === '' ? null : html`<p class="notice bad" role="alert">${lost}</p>`}
        ${model === null ? html`<div class="empty"><p>Choose a chat.</p><p class="muted">Arrows and Enter in the list, / to search, Esc to go back.</p></div>` : html`<${ChatPane} key=${model.chat} model=${model} draft=${draftOf(model.chat)} onBack=${back} onRead=${(one: string) => chats.changed(one)} />`}
      </section>
      <aside class="side" aria-label="Status"><button class="button quiet back" type="button" onClick=${() => setStatus(false)}><${Icon} name="back" /> Back</button><${OverviewPanel} /></aside>
    </main>
  `;
}

await refreshWho();
const root = document.getElementById('page');
if (root !== null) render(html`<${App} />`, root);
