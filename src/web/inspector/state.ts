import { useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import type { Counts } from './answers.ts';
import { Chats } from './chat-list.ts';
import { Counted, totalOf } from './counts.ts';
import { stateText } from './difference.ts';
import { Json } from './json.ts';
import { Ways } from './ways.ts';

/** A state, or the machine itself: what it is, its ways, how many chats are there, and which. */
export function StatePanel({
  chart,
  path,
  counts,
  live,
  context,
  onSequence,
  onChat,
  onState,
}: {
  readonly chart: Chart;
  readonly path: string;
  readonly counts: Counts | null;
  /** Where a live actor is; null: it runs chats, or none. */
  readonly live: unknown;
  /** What it keeps; null: that is not known. */
  readonly context: unknown;
  readonly onSequence: () => void;
  readonly onChat: (chat: string) => void;
  readonly onState: (path: string) => void;
}) {
  const node = chart.nodes.find((one) => one.path === path) ?? chart.nodes[0];
  if (node === undefined) return null;
  const isMachine = node.path === '';
  return html`
    <article aria-label=${isMachine ? `Machine ${chart.name}` : `State ${path}`}>
      <header class="panel-head">
        <h2>${isMachine ? chart.name : path}</h2>
        <span class="muted">${isMachine ? (chart.kind === 'live' ? "one of Switchboard's own actors" : `version ${chart.version}`) : node.type}</span>
        ${chart.source === null || !isMachine ? null : html`<${CopySource} source=${chart.source} />`}
      </header>
      ${node.description === '' ? null : html`<p>${node.description}</p>`}
      ${live === null ? null : html`<p class="stands"><span class="muted">is in</span> <b data-current>${stateText(live)}</b></p>`}
      ${live === null || context === null ? null : html`<section aria-label="Context"><h3>Context now</h3><${Json} value=${context} /></section>`}
      ${chart.kind === 'live' && isMachine ? html`<p><button class="button" type="button" onClick=${onSequence}>See what it sends and gets</button></p>` : null}
      ${isMachine ? null : html`<${Ways} title="Ways" ways=${node.transitions} />`}
      ${chart.kind === 'live' ? null : html`<${Counted} counts=${counts} path=${path} chart=${chart} onState=${onState} /><${Chats} key=${`${chart.name} ${path}`} machine=${chart.name} path=${path} total=${totalOf(counts, path)} onChat=${onChat} />`}
    </article>
  `;
}

/** Puts a machine's file onto the clipboard: Stately Studio takes it as it is. */
function CopySource({ source }: { readonly source: string }) {
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    setSaid((await copyText(source)) ? 'Copied' : 'It could not be copied');
    setTimeout(() => setSaid(''), 2000);
  };
  return html`
    <span class="row"><button class="button" type="button" onClick=${copy}>Copy source for Stately Studio</button>
      <span role="status" class="muted">${said}</span></span>
  `;
}

/** False where the browser lets no page copy. Without HTTPS there is no clipboard, except on this very machine. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}
