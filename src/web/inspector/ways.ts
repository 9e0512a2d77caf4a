import type { ChartTransition } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { sentence } from './graph.ts';

/** Transitions, one below the other: what brings each about, and where it leads. */
export function Ways({ title, ways }: { readonly title: string; readonly ways: readonly ChartTransition[] }) {
  if (ways.length === 0) return null;
  return html`
    <section aria-label=${title}><h3>${title}</h3>
      <ul class="ways">
        ${ways.map((way) => html`<li key=${way.id} class="mono">${sentence(way)}${way.targets.length === 0 ? null : html` <${Icon} name="stepForth" /> ${way.targets.join(', ')}`}</li>`)}
      </ul>
    </section>
  `;
}
