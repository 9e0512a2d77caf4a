import { render } from 'preact';
import { Bar } from '../ui/bar.ts';
import { html } from '../ui/html.ts';
import { ChatPane } from './chat.ts';
import { ChatList } from './chat-list.ts';
import { followChosen } from './chosen.ts';
import { DidPane } from './did.ts';
import { followQuarantine } from './quarantine.ts';
import { pane } from './where.ts';
import { connected, failure, follow, me, room } from './world.ts';

function App() {
  const open = room.value;
  return html`
    <${Bar} page="sandbox"><span class="muted bot-name" title="Pretend users only: nothing of this reaches Telegram">@${me.value?.username ?? '…'} in the sandbox</span><//>
    ${connected.value ? null : html`<p class="notice lost" role="status">Not connected: coming back by itself…</p>`}
    <main class="panes" data-pane=${pane.value}>
      <${ChatList} />
      ${open === null ? html`<section class="chat empty nobody">${failure.value === null ? html`<p>Choose whom to chat as.</p>` : html`<p class="notice bad" role="alert">${failure.value}</p>`}</section>` : html`<${ChatPane} room=${open} />`}
      <${DidPane} />
    </main>
  `;
}

follow();
followChosen();
followQuarantine();
const root = document.getElementById('page');
if (root !== null) render(html`<${App} />`, root);
