import { useEffect, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import * as answers from './answers.ts';
import { failureText } from './words.ts';

/** Why a conversation stands still, and the way on. */
export function Quarantined({ id, mayRetry }: { readonly id: string; readonly mayRetry: boolean }) {
  const [error, setError] = useState('');
  const [said, setSaid] = useState('');
  useEffect(() => {
    answers.standing(id).then(
      (found) => setError(found.error ?? ''),
      () => {},
    );
  }, [id]);
  const retry = async (): Promise<void> => {
    setSaid('');
    try {
      const now = await answers.retry(id);
      setSaid(now.status === 'quarantined' ? 'It failed again.' : '');
      setError(now.error ?? '');
    } catch (problem) {
      setSaid(failureText(problem));
    }
  };
  return html`
    <section class="notice bad quarantined" aria-label="Stands still">
      <p><b>This chat stands still.</b> <span dir="auto">${error}</span></p>
      ${mayRetry ? html`<button class="button" type="button" onClick=${retry}>Retry</button>` : null}
      ${said === '' ? null : html`<span role="status">${said}</span>`}
    </section>
  `;
}
