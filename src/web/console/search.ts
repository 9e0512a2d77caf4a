import { useEffect, useRef, useState } from 'preact/hooks';
import { Avatar } from '../ui/avatar.ts';
import { html } from '../ui/html.ts';
import type { ConsoleChat, Hit } from './answers.ts';
import * as answers from './answers.ts';
import { look, where } from './where.ts';
import { failureText, fullTime, shortWhen, titleOf } from './words.ts';

const WAIT_MS = 150;

/** What a search found, as one types. */
export function Found({ text }: { readonly text: string }) {
  const [hits, setHits] = useState<readonly Hit[]>([]);
  const [chats, setChats] = useState<readonly ConsoleChat[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [state, setState] = useState<'busy' | 'idle'>('busy');
  const [failure, setFailure] = useState('');
  const under = useRef<AbortController | null>(null);
  const find = async (before: number | null): Promise<void> => {
    under.current?.abort();
    const mine = new AbortController();
    under.current = mine;
    setState('busy');
    try {
      const page = await answers.search(text, before, mine.signal);
      if (before === null) setChats(page.chats);
      setHits((known) => (before === null ? page.hits : [...known, ...page.hits]));
      setNext(page.next);
      setFailure('');
    } catch (error) {
      if (mine.signal.aborted) return;
      setFailure(failureText(error));
    }
    setState('idle');
  };
  useEffect(() => {
    const timer = setTimeout(() => void find(null), WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => () => under.current?.abort(), []);
  const nothing = state === 'idle' && failure === '' && hits.length + chats.length === 0;
  return html`
    <div class="found" role="region" aria-label="Found" aria-busy=${state === 'busy'} tabindex="-1">
      ${failure === '' ? null : html`<p class="notice bad" role="alert">${failure}</p>`}
      ${nothing ? html`<p class="empty">Nothing was found.</p>` : null}
      ${chats.length === 0 ? null : html`<h3>Chats</h3><ul>${chats.map(({ chat, name }) => html`<li key=${chat}><button class="hit" type="button" onClick=${() => look({ chat, seq: null })}><${Avatar} id=${chat} name=${name} small /><span class="row-main"><b dir="auto">${titleOf(name, chat)}</b><span class="muted mono">${chat}</span></span></button></li>`)}</ul>`}
      ${hits.length === 0 ? null : html`<h3>Messages</h3><ul>${hits.map((hit) => html`<${HitView} key=${hit.seq} hit=${hit} />`)}</ul>`}
      ${next === null ? null : html`<button class="button" type="button" disabled=${state === 'busy'} onClick=${() => find(next)}>More</button>`}
    </div>
  `;
}

function HitView({ hit: { seq, chat, name, at, out, snippet } }: { readonly hit: Hit }) {
  return html`
    <li><button class="hit" type="button" data-hit=${seq} aria-current=${where.value.seq === seq ? 'true' : undefined} onClick=${() => look({ chat, seq })}>
      <span class="row-main">
        <span class="row-head"><b class="row-name" dir="auto">${titleOf(name, chat)}</b><time class="muted" title=${fullTime(at)}>${shortWhen(at)}</time></span>
        <span class="hit-text" dir="auto">${out ? html`<span class="muted">Bot: </span>` : null}${snippet.map(({ text, hit }) => (hit ? html`<mark>${text}</mark>` : text))}</span>
      </span>
    </button></li>
  `;
}
