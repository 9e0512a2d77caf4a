import { useRef, useState } from 'preact/hooks';
import { Problem } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import * as answers from './answers.ts';
import { Icon } from './icon.ts';
import { failureText } from './words.ts';

const TEXT_MAX = 4096;

const newKey = (): string => `console-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;

/** Writes to a user. A post whose answer was lost is posted again with the same key: the user gets one message. */
export function Composer({
  chat,
  onSent,
}: {
  readonly chat: string;
  readonly onSent?: (id: string, text: string) => void;
}) {
  const [text, setText] = useState('');
  const [at, setAt] = useState('');
  const [timed, setTimed] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<{ readonly field: string | null; readonly words: string } | null>(null);
  const key = useRef(newKey());
  const edit = (change: () => void) => {
    // Another text is another message.
    key.current = newKey();
    setFailure(null);
    change();
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || text.trim() === '') return;
    setBusy(true);
    const delivery = timed && at !== '' ? { delivery: { send_at: new Date(at).toISOString() } } : {};
    const to = chat.startsWith('@') ? chat : Number(chat);
    try {
      const { id } = await answers.send({ chat_id: to, text, ...delivery }, key.current);
      key.current = newKey();
      setText('');
      setTimed(false);
      setAt('');
      setFailure(null);
      onSent?.(id, text);
    } catch (error) {
      setFailure({ field: error instanceof Problem ? error.field : null, words: failureText(error) });
    }
    setBusy(false);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void submit(event);
  };
  const wrong = failure?.field ?? null;
  const over = text.length > TEXT_MAX;
  return html`
    <form class="composer" onSubmit=${submit} aria-label="Write to the user">
      <textarea aria-label="Message" placeholder="Write to the user…" rows=${Math.min(6, text.split('\n').length)} dir="auto" value=${text}
        aria-invalid=${wrong === 'text' || over} onInput=${(event: InputEvent) => edit(() => setText((event.target as HTMLTextAreaElement).value))} onKeyDown=${onKeyDown}></textarea>
      <button class="button quiet" type="button" aria-pressed=${timed} aria-label="Send later" title="Send later" onClick=${() => edit(() => setTimed(!timed))}><${Icon} name="clock" /></button>
      <button class="button primary" disabled=${busy || text.trim() === ''}>${timed && at !== '' ? 'Schedule' : 'Send'}</button>
      ${timed ? html`<label class="send-at">Send at <input type="datetime-local" value=${at} aria-invalid=${wrong?.includes('send_at') ?? false} onInput=${(event: InputEvent) => edit(() => setAt((event.target as HTMLInputElement).value))} /></label>` : null}
      ${over && failure === null ? html`<p class="hint">${text.length} of ${TEXT_MAX} characters</p>` : null}
      ${failure === null ? null : html`<p class="notice bad" role="alert">${failure.words}</p>`}
    </form>
  `;
}
