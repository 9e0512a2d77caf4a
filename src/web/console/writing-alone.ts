import { useEffect, useMemo, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { Composer } from './composer.ts';
import { createDrafts, type Posted } from './draft.ts';
import { Fate } from './fate.ts';
import { createPosted, type Post } from './posted.ts';

/** A key that writes and does not read: it sees what it has posted here. */
export function WritingAlone() {
  const [chat, setChat] = useState('');
  const draftOf = useMemo(createDrafts, []);
  const posted = useMemo(createPosted, []);
  useEffect(() => posted.close, []);
  const posts = posted.posts.value;
  const valid = /^(-?[1-9]\d{0,15}|@\w{4,32})$/.test(chat);
  return html`
    <main class="writing-alone">
      <h1>This key writes, and reads nothing</h1>
      <p class="muted">For chats log in with a key of the role support, operator, backend or admin.</p>
      <label>Chat id <input inputmode="numeric" value=${chat} onInput=${(event: InputEvent) => setChat((event.target as HTMLInputElement).value.trim())} /></label>
      ${valid ? html`<${Composer} key=${chat} draft=${draftOf(chat)} onSent=${(sent: Posted) => posted.add({ chat, ...sent })} />` : null}
      ${posts.length === 0 ? null : html`<section aria-label="Posted here"><h2>Posted here</h2><ol class="posted" aria-live="polite">${posts.toReversed().map((post) => html`<${PostView} key=${post.id} post=${post} onActed=${() => posted.lookAt(post.id)} />`)}</ol></section>`}
    </main>
  `;
}

function PostView({
  post: { chat, text, message },
  onActed,
}: {
  readonly post: Post;
  readonly onActed: () => Promise<void>;
}) {
  return html`
    <li class="line out" data-status=${message?.status}>
      <div class="bubble">
        <p class="line-text" dir="auto">${text}</p>
        <span class="line-foot"><span>to <span class="mono">${chat}</span></span>${message === null ? html`<span>on its way</span>` : html`<${Fate} message=${message} mayWrite=${true} onActed=${onActed} />`}</span>
      </div>
    </li>
  `;
}
