import { html } from '../ui/html.ts';

/** The pages that this process serves, as the document says. */
const SERVED = document.body.dataset.pages?.split(' ') ?? [];

/** Links to the same conversation on other pages, where these are served. The console has all of a group as one chat. */
export function Elsewhere({ conversation }: { readonly conversation: string }) {
  const [chat = ''] = conversation.split(':');
  const links = [
    { page: 'console', title: 'Console', id: chat },
    { page: 'inspector', title: 'Inspector', id: conversation },
  ].filter(({ page }) => SERVED.includes(page));
  return html`${links.map(({ page, title, id }) => html`<a href=${`${page}#chat=${encodeURIComponent(id)}`}>${title}</a>`)}`;
}
