import { useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import * as answers from './answers.ts';
import { failureText } from './words.ts';

/** After a restore from a backup: why nothing is sent, and the two ways on. */
export function Held() {
  const [said, setSaid] = useState('');
  const release = (cancel: boolean) => (): void => {
    setSaid('');
    answers.release(cancel).then(
      () => setSaid('Messages are sent again.'),
      (error) => setSaid(failureText(error)),
    );
  };
  return html`
    <section class="notice held" aria-label="Nothing is sent">
      <p><b>Nothing is sent.</b> These data were restored from a backup or copied. Messages that waited then may have been sent since.</p>
      <p><button class="button" type="button" onClick=${release(true)}>Cancel what came with the copy</button> Only messages accepted since the restore are sent.</p>
      <p><button class="button" type="button" onClick=${release(false)}>Send all that waits</button> Some may reach their users twice.</p>
      ${said === '' ? null : html`<span role="status">${said}</span>`}
    </section>
  `;
}
