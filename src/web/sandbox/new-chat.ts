import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../ui/html.ts';
import * as answers from './answers.ts';
import { nameOf } from './names.ts';
import { look } from './where.ts';
import { attempt, failure, refresh, users } from './world.ts';

interface DialogProps {
  readonly title: string;
  readonly action: string;
  readonly onSubmit: (form: FormData) => void;
  readonly onDone: () => void;
  readonly children?: ComponentChildren;
}

function Dialog({ title, action, onSubmit, onDone, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (event.target instanceof HTMLFormElement) onSubmit(new FormData(event.target));
  };
  return html`
    <dialog ref=${dialog} class="panel" aria-label=${title} onClose=${onDone}>
      <form onSubmit=${submit}>
        <h1>${title}</h1>
        ${children}
        ${failure.value === null ? null : html`<p class="notice bad" role="alert">${failure.value}</p>`}
        <div class="actions">
          <button type="button" class="button quiet" onClick=${() => dialog.current?.close()}>Cancel</button>
          <button class="button primary">${action}</button>
        </div>
      </form>
    </dialog>
  `;
}

/** Makes somebody to chat as. */
export function NewUser({ onDone }: { readonly onDone: () => void }) {
  const make = async (form: FormData): Promise<void> => {
    const [first_name, username] = ['name', 'username'].map((field) => String(form.get(field) ?? '').trim());
    if (first_name === undefined || first_name === '') return;
    // As Telegram's: a number of its own, which nobody else has.
    const id = 100_000_000 + Math.floor(Math.random() * 900_000_000);
    const named = username === undefined || username === '' ? {} : { username: username.replace(/^@/, '') };
    if ((await attempt(() => answers.addUser({ id, first_name, ...named }))) === null) return;
    await attempt(refresh);
    look(id);
    onDone();
  };
  return html`
    <${Dialog} title="New user" action="Make" onSubmit=${make} onDone=${onDone}>
      <label>Name <input name="name" required maxlength="64" autocomplete="off" dir="auto" /></label>
      <label>Username (may be left out) <input name="username" maxlength="33" autocomplete="off" pattern="@?[A-Za-z][A-Za-z0-9_]*" title="Letters, digits and _" /></label>
    <//>
  `;
}

/** Makes a group with the bot in it. */
export function NewGroup({ onDone }: { readonly onDone: () => void }) {
  const people = users.value.filter((user) => !user.is_bot);
  const [inside, setInside] = useState<ReadonlySet<number>>(new Set(people.slice(0, 2).map(({ id }) => id)));
  const make = async (form: FormData): Promise<void> => {
    const title = String(form.get('title') ?? '').trim();
    const members = people.filter(({ id }) => inside.has(id));
    const [maker] = members;
    if (title === '' || maker === undefined) return;
    const made = await attempt(() => answers.addGroup(title, maker, members));
    if (made === null) return;
    await attempt(refresh);
    look(made.chat_id);
    onDone();
  };
  const toggle = (id: number, isIn: boolean): void => {
    const changed = new Set(inside);
    if (isIn) changed.add(id);
    else changed.delete(id);
    setInside(changed);
  };
  return html`
    <${Dialog} title="New group" action="Make" onSubmit=${make} onDone=${onDone}>
      <label>Title <input name="title" required maxlength="128" autocomplete="off" dir="auto" /></label>
      <fieldset>
        <legend>Who is in it, beside the bot</legend>
        ${people.map((user) => html`<label class="check"><input type="checkbox" checked=${inside.has(user.id)} onChange=${(event: Event) => toggle(user.id, (event.target as HTMLInputElement).checked)} /> <span dir="auto">${nameOf(user)}</span></label>`)}
      </fieldset>
      ${inside.size === 0 ? html`<p class="notice">Choose somebody: a group has one member at least.</p>` : null}
    <//>
  `;
}
