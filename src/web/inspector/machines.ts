import { useState } from 'preact/hooks';
import type { Chart } from '../../inspector/inspector.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';

/** The machines to choose from, and a way to a chat whose id is known. */
export function MachineList({
  machines,
  chosen,
  sequence,
  onChoose,
  onSequence,
  onChat,
}: {
  readonly machines: readonly Chart[];
  readonly chosen: string | null;
  /** The live actors' sequence is looked at. */
  readonly sequence: boolean;
  readonly onChoose: (name: string) => void;
  readonly onSequence: () => void;
  readonly onChat: (id: string) => void;
}) {
  const [id, setId] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (id.trim() !== '') onChat(id.trim());
  };
  const group = (title: string, kind: Chart['kind']) => {
    const some = machines.filter((machine) => machine.kind === kind);
    if (some.length === 0) return null;
    return html`
      <h3>${title}</h3>
      <ul>${some.map(
        ({
          name,
          version,
        }) => html`<li><button class="button quiet machine-item" type="button" aria-current=${name === chosen ? 'true' : undefined} onClick=${() => onChoose(name)}>
          ${name.replace(/@.*/, '')}${kind === 'live' ? null : html` <span class="muted">${version}${name.includes('@') ? ', kept' : ''}</span>`}</button></li>`,
      )}</ul>
    `;
  };
  return html`
    <nav class="machines" aria-label="Machines">
      <form onSubmit=${submit}>
        <input aria-label="Chat id" placeholder="Chat id" value=${id} spellcheck=${false} autocomplete="off"
          onInput=${(event: InputEvent) => setId((event.target as HTMLInputElement).value)} />
        <button class="button" aria-label="Open the chat"><${Icon} name="stepForth" /></button>
      </form>
      ${group('Conversations', 'conversation')}
      ${group('Switchboard itself', 'live')}
      <ul><li><button class="button quiet machine-item" type="button" aria-current=${sequence ? 'true' : undefined} onClick=${onSequence}>Message sequence</button></li></ul>
    </nav>
  `;
}
