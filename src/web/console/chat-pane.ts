import { Avatar } from '../ui/avatar.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { who } from '../ui/login.ts';
import { Composer } from './composer.ts';
import type { Draft } from './draft.ts';
import { Lines } from './lines.ts';
import { Quarantined } from './quarantined.ts';
import type { TranscriptModel } from './transcript.ts';
import { titleOf } from './words.ts';

/** A chat: who it is with, what was said, and where one writes. */
export function ChatPane({
  model,
  draft,
  onBack,
  onRead,
}: {
  readonly model: TranscriptModel;
  readonly draft: Draft;
  readonly onBack: () => void;
  readonly onRead: (chat: string) => void;
}) {
  const scopes = who.value?.scopes ?? [];
  const mayWrite = scopes.includes('write');
  const row = model.row.value;
  const title = titleOf(row?.name, model.chat);
  return html`
    <article class="chat-pane" aria-label=${`Chat ${title}`}>
      <header class="pane-head">
        <button class="button quiet back" type="button" aria-label="Back to the chats" onClick=${onBack}><${Icon} name="back" /></button>
        <${Avatar} id=${model.chat} name=${row?.name ?? null} />
        <div class="pane-title"><h1 dir="auto">${title}</h1><span class="muted mono">${model.chat}</span></div>
        ${row?.standings.map((one) => html`<span class=${`tag ${one.quarantined ? 'bad' : 'good'}`} title=${one.machine} data-state>${one.quarantined ? 'stands still' : one.state || 'begins'}</span>`)}
      </header>
      ${row?.standings.filter(({ quarantined }) => quarantined).map(({ id }) => html`<${Quarantined} key=${id} id=${id} mayRetry=${scopes.includes('admin')} />`)}
      ${model.failure.value === null ? null : html`<p class="notice bad" role="alert">${model.failure.value}</p>`}
      <${Lines} key=${model.chat} model=${model} mayWrite=${mayWrite} onRead=${onRead} />
      ${mayWrite ? html`<${Composer} key=${model.chat} draft=${draft} onSent=${() => (model.later.value ? void model.toNewest() : undefined)} />` : null}
    </article>
  `;
}
