import { html } from '../ui/html.ts';

/** The pages that this process serves, as the document says. */
const SERVED = document.body.dataset.pages?.split(' ') ?? [];

/** Links to the same chat on other pages, where these are served. */
export function Elsewhere({ chat }: { readonly chat: string }) {
  const pages = [['inspector', 'Inspector'] as const, ['console', 'Console'] as const].filter(([name]) =>
    SERVED.includes(name),
  );
  return html`${pages.map(([name, title]) => html`<a href=${`/${name}#chat=${encodeURIComponent(chat)}`}>${title}</a>`)}`;
}
