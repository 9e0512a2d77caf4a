import { useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { reasonOf } from '../ui/api.ts';
import { html } from '../ui/html.ts';
import { postEvent } from './answers.ts';

/** What Telegram alone may say: these come by an update. */
const TELEGRAMS = ['message.', 'callback.', 'membership.', 'chat.'];

/** The events of a machine that somebody may post to it. */
export const postable = (chart: Chart | null): string[] => [
  ...new Set(
    (chart?.nodes ?? [])
      .flatMap(({ transitions }) => transitions)
      .filter(
        ({ cause, event }) => cause === 'event' && event !== '*' && !TELEGRAMS.some((own) => event.startsWith(own)),
      )
      .map(({ event }) => event),
  ),
];

/** Posts an event to a chat of the sandbox. */
export function TestEvent({ chat, chart }: { readonly chat: string; readonly chart: Chart | null }) {
  const events = postable(chart);
  const [text, setText] = useState(`{"type":"${events[0] ?? 'test.happened'}"}`);
  const [answer, setAnswer] = useState<{ readonly bad: boolean; readonly text: string } | null>(null);
  const send = async (submit: Event): Promise<void> => {
    submit.preventDefault();
    try {
      const event: unknown = JSON.parse(text);
      await postEvent(chat, event, `inspector-${crypto.getRandomValues(new Uint32Array(3)).join('-')}`);
      setAnswer({ bad: false, text: 'Sent.' });
    } catch (error) {
      const isJson = !(error instanceof SyntaxError);
      const words = reasonOf(error);
      setAnswer({ bad: true, text: isJson ? words : 'This is not JSON' });
    }
  };
  return html`
    <section aria-label="Test event">
      <h3>Send a test event</h3>
      <form class="test-event" onSubmit=${send}>
        ${
          events.length === 0
            ? null
            : html`<div class="chips" role="group" aria-label="Events that the machine takes">
          ${events.map((event) => html`<button class="button quiet mono chip" type="button" onClick=${() => setText(`{"type":"${event}"}`)}>${event}</button>`)}
        </div>`
        }
        <textarea class="mono" aria-label="Event as JSON" rows="2" spellcheck=${false} value=${text}
          onInput=${(event: InputEvent) => setText((event.target as HTMLTextAreaElement).value)}></textarea>
        <div class="row"><button class="button primary">Send</button>
          ${answer === null ? null : html`<span role="status" class=${answer.bad ? 'bad-text' : 'muted'}>${answer.text}</span>`}</div>
      </form>
    </section>
  `;
}
