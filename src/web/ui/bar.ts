import type { ComponentChildren } from 'preact';
import { html } from './html.ts';
import { logOut, who } from './login.ts';

const PAGES = ['sandbox', 'console', 'inspector'] as const;
type PageName = (typeof PAGES)[number];
const TITLES: Readonly<Record<PageName, string>> = { sandbox: 'Sandbox', console: 'Console', inspector: 'Inspector' };

/** The bar at the head of each page: where one is, and which others this process serves; who one is. */
export function Bar({ page, children }: { readonly page: PageName; readonly children?: ComponentChildren }) {
  // As the server has written them into the page.
  const pages = document.body.dataset.pages?.split(' ') ?? [];
  const links = PAGES.filter((name) => pages.includes(name)).map(
    (name) => html`<a href="/${name}" aria-current=${name === page ? 'page' : undefined}>${TITLES[name]}</a>`,
  );
  const me = who.value;
  return html`
    <header class="bar">
      <img class="mark" src="/assets/icon.svg" alt="Switchboard" />
      <nav aria-label="Pages">${links}</nav>
      ${children}
      ${me ? html`<span class="muted">${me.name} · ${me.role}</span><button class="button quiet" onClick=${logOut}>Log out</button>` : null}
    </header>
  `;
}
