import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import type { Draft, Posted } from './draft.ts';

const TEXT_MAX = 4096;
/** Beyond it a year has five digits, which no address reads as a time. */
const LATEST = '9999-12-31T23:59';

/** Writes to a user. */
export function Composer({ draft, onSent }: { readonly draft: Draft; readonly onSent?: (posted: Posted) => void }) {
  const [text, at, failure] = [draft.text.value, draft.at.value, draft.failure.value];
  const isBusy = draft.busy.value;
  const tell = (posted: Posted | null): void => {
    if (posted !== null) onSent?.(posted);
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    tell(await draft.send());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    // As the button does it: the form asks for a time that is missing or wrong.
    if (event.target instanceof HTMLTextAreaElement) event.target.form?.requestSubmit();
  };
  const wrong = failure?.field ?? null;
  const over = text.length > TEXT_MAX;
  return html`
    <form class="composer" onSubmit=${submit} aria-label="Write to the user">
      ${draft.unsent.value.map((one) => html`<div class="notice bad unsent" role="alert" key=${one.key}><span class="unsent-text" dir="auto">${one.text}</span><span>was not sent. ${one.words}</span><button class="button small" type="button" disabled=${isBusy} onClick=${async () => tell(await draft.again(one))}>Try again</button></div>`)}
      <textarea aria-label="Message" placeholder="Write to the user…" rows=${Math.min(6, text.split('\n').length)} dir="auto" value=${text}
        aria-invalid=${wrong === 'text' || over} onInput=${(event: InputEvent) => draft.write({ text: (event.target as HTMLTextAreaElement).value })} onKeyDown=${onKeyDown}></textarea>
      <button class="button quiet" type="button" aria-pressed=${at !== null} aria-label="Send later" title="Send later" onClick=${() => draft.write({ at: at === null ? '' : null })}><${Icon} name="clock" /></button>
      <button class="button primary" disabled=${isBusy || text.trim() === ''}>${at === null ? 'Send' : 'Schedule'}</button>
      ${at === null ? null : html`<label class="send-at">Send at <input type="datetime-local" required max=${LATEST} value=${at} aria-invalid=${wrong?.includes('send_at') ?? false} onInput=${(event: InputEvent) => draft.write({ at: (event.target as HTMLInputElement).value })} /></label>`}
      ${over && failure === null ? html`<p class="hint">${text.length} of ${TEXT_MAX} characters</p>` : null}
      ${failure === null ? null : html`<p class="notice bad" role="alert">${failure.words}</p>`}
    </form>
  `;
}
