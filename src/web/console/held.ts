import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import * as answers from './answers.ts';
import { failureText, numberText } from './words.ts';

/** After a restore from a backup: why nothing is sent, and the two ways on. Neither can be undone, so each asks once more. */
export function Held({ waiting }: { readonly waiting: number }) {
  const [asked, setAsked] = useState<'cancel' | 'send' | null>(null);
  const [said, setSaid] = useState('');
  const release = (): void => {
    setAsked(null);
    setSaid('');
    answers.release(asked === 'cancel').then(
      () => setSaid('Messages are sent again.'),
      (error) => setSaid(failureText(error)),
    );
  };
  return html`
    <section class="notice held" aria-label="Nothing is sent">
      <p><b>Nothing is sent.</b> These data were restored from a backup or copied. Messages that waited then may have been sent since. In all, ${numberText(waiting)} wait now.</p>
      <p><button class="button" type="button" onClick=${() => setAsked('cancel')}>Cancel what came with the copy</button> Only messages accepted since the restore are sent.</p>
      <p><button class="button" type="button" onClick=${() => setAsked('send')}>Send all that waits</button> Some may reach their users twice.</p>
      ${asked === null ? null : html`<p role="group" aria-label="Are you sure?">This cannot be undone: <button class="button" type="button" onClick=${release}>${asked === 'cancel' ? 'Yes, cancel' : 'Yes, send'}</button> <button class="button" type="button" onClick=${() => setAsked(null)}>No</button></p>`}
      ${said === '' ? null : html`<span role="status">${said}</span>`}
    </section>
  `;
}
