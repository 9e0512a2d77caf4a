import { useEffect, useMemo, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { Composer } from './composer.ts';
import { createDrafts, type Posted } from './draft.ts';
import { Fate } from './fate.ts';
import { createPosts } from './posts.ts';

/** A key that writes and does not read: what it writes here, and what becomes of that. */
export function WritingAlone() {
  const draftOf = useMemo(createDrafts, []);
  const model = useMemo(createPosts, []);
  useEffect(() => model.close, []);
  const [chat, setChat] = useState('');
  const valid = /^(-?[1-9]\d{0,15}|@\w{4,32})$/.test(chat);
  const posts = model.posts.value;
  return html`
    <main class="writing-alone">
      <h1>This key writes, and reads nothing</h1>
      <p class="muted">For chats log in with a key of the role operator, backend or admin.</p>
      <label>Chat id <input inputmode="numeric" value=${chat} onInput=${(event: InputEvent) => setChat((event.target as HTMLInputElement).value.trim())} /></label>
      ${valid ? html`<${Composer} key=${chat} draft=${draftOf(chat)} onSent=${(posted: Posted) => model.add({ chat, ...posted })} />` : null}
      ${
        posts.length === 0
          ? null
          : html`<ul class="posts panel" aria-label="Written on this page" aria-live="polite">${posts.map(
              ({ id, chat, text, message }) => html`
                <li key=${id}>
                  <span class="muted mono">${chat}</span>
                  <p class="line-text" dir="auto">${text}</p>
                  <span class="line-foot">${message === null ? 'accepted' : html`<${Fate} message=${message} mayWrite=${true} onActed=${() => model.look(id)} />`}</span>
                </li>`,
            )}</ul>`
      }
    </main>
  `;
}
