import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
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
    (name) => html`<a href=${name} aria-current=${name === page ? 'page' : undefined}>${TITLES[name]}</a>`,
  );
  const me = who.value;
  const [failure, setFailure] = useState<string | null>(null);
  const leave = async (): Promise<void> => {
    setFailure(null);
    setFailure(await logOut());
  };
  return html`
    <header class="bar">
      <a class="home" href="./" title="Start page"><img class="mark" src="assets/icon.svg" alt="Switchboard" /></a>
      <nav aria-label="Pages">${links}</nav>
      ${children}
      ${failure === null ? null : html`<p class="notice bad" role="alert">${failure}</p>`}
      ${me ? html`<span class="muted">${me.name} · ${me.role}</span><button class="button quiet" onClick=${leave}>Log out</button>` : null}
    </header>
  `;
}
