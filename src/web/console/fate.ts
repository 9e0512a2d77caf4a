import { useState } from 'preact/hooks';
import type { SentMessage } from '../../console/console.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import * as answers from './answers.ts';
import { failureText, fullTime } from './words.ts';

const TONES: Readonly<Record<string, string>> = {
  failed: 'bad',
  unknown: 'warn',
  expired: 'warn',
  scheduled: 'accent',
};

/** What became of a message, and what may be done about it. */
export function Fate({
  message,
  mayWrite,
  onActed,
}: {
  readonly message: SentMessage;
  readonly mayWrite: boolean;
  /** Where nothing tells of it as it happens: looks at what came of it. */
  readonly onActed?: () => Promise<void>;
}) {
  const { id, status, send_at: sendAt, error, attempts, may_have_arrived: may, own } = message;
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  const act = (work: () => Promise<unknown>) => async () => {
    setBusy(true);
    setFailure('');
    try {
      await work();
      await onActed?.();
    } catch (problem) {
      setFailure(failureText(problem));
    }
    setBusy(false);
  };
  const may_act = mayWrite && own;
  const sign = status === 'sent' ? html`<${Icon} name="check" />` : null;
  const button = (label: string, work: () => Promise<unknown>) =>
    html`<button class="button small" type="button" disabled=${busy} onClick=${act(work)}>${label}</button>`;
  return html`
    <span class=${`fate ${status === 'sent' || status === 'queued' || status === 'sending' ? '' : `tag ${TONES[status] ?? ''}`}`} data-fate=${status}>${sign}${status}${sendAt === null ? null : html` for ${fullTime(sendAt)}`}</span>
    ${error === null ? null : html`<span class="fate-error" dir="auto">${error}${may ? ' (an earlier try may have arrived)' : ''}${status === 'queued' && attempts > 0 ? `, tried ${attempts} times` : ''}</span>`}
    ${may_act && status === 'unknown' ? html`<span class="acts" role="group" aria-label="It is unknown whether this arrived">${button('It arrived', () => answers.resolve(id, 'sent'))}${button('It did not', () => answers.resolve(id, 'failed'))}${button('Send again', () => answers.resolve(id, 'resend'))}</span>` : null}
    ${may_act && (status === 'scheduled' || (status === 'queued' && attempts > 0)) ? html`<span class="acts">${button('Cancel', () => answers.cancel(id))}</span>` : null}
    ${failure === '' ? null : html`<span class="bad-text" role="alert">${failure}</span>`}
  `;
}
