import type { User } from '@grammyjs/types';
import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import type { ChatItem } from './answers.ts';
import { ReplyKeyboard } from './keyboard.ts';
import { Menu } from './menu.ts';
import { lineOf, nameOf } from './names.ts';
import { isPicture, samplePhoto, sentFile } from './photos.ts';
import { candidates, change, current, editing, isBots, say, writeAs, writer } from './talk.ts';
import { room } from './world.ts';

/** What was begun in each chat, and not sent. */
const drafts = signal<ReadonlyMap<number, string>>(new Map());
const draftOf = (chat: number): string => drafts.value.get(chat) ?? '';
const setDraft = (chat: number, text: string): void => {
  drafts.value = new Map([...drafts.value, [chat, text]]);
};

/** Takes a draft out to send it: the field is free meanwhile. What was not sent is put back, before what is there by now. */
async function sendDraft(chat: number, send: (text: string) => Promise<boolean>): Promise<void> {
  const text = draftOf(chat);
  setDraft(chat, '');
  if (!(await send(text))) setDraft(chat, [text, draftOf(chat)].filter((part) => part !== '').join('\n'));
}

/** Telegram's own bound. */
const LENGTH_MAX = 4096;

/** Where one writes: Enter sends, Shift+Enter begins a line, the arrow upwards changes one's last message. */
export function Composer() {
  const [chat, from] = [current.value, writer.value];
  if (chat === null || from === null) return null;
  return html`<${Line} key=${chat.id} chat=${chat} from=${from} />`;
}

function Line({ chat, from }: { readonly chat: ChatItem; readonly from: User }) {
  const edited = editing.value;
  const changed = useSignal('');
  const isBusy = useRef(false);
  const text = edited === null ? draftOf(chat.id) : changed.value;
  const setText = (to: string): void => {
    if (edited === null) setDraft(chat.id, to);
    else changed.value = to;
  };
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (matchMedia('(min-width: 900px)').matches) field.current?.focus();
    return () => {
      editing.value = null;
    };
  }, []);
  useEffect(() => {
    if (edited === null) return;
    changed.value = edited.text ?? edited.caption ?? '';
    field.current?.focus();
  }, [edited]);
  useEffect(() => {
    const area = field.current;
    if (area === null) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight + 2, 180)}px`;
  }, [text]);

  const submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    if (isBusy.current || text.trim() === '') return;
    isBusy.current = true;
    if (edited === null) await sendDraft(chat.id, (taken) => say({ text: taken }));
    // Whoever has gone on meanwhile is not done.
    else if ((await change(edited, text)) && changed.value === text) editing.value = null;
    isBusy.current = false;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void submit(event);
    else if (event.key === 'Escape' && !event.isComposing && edited !== null) editing.value = null;
    else if (event.key === 'ArrowUp' && text === '' && edited === null) {
      const own = room.value?.messages.value?.findLast(
        (one) => !isBots(one) && (one.text ?? one.caption) !== undefined,
      );
      if (own === undefined) return;
      event.preventDefault();
      editing.value = own;
    }
  };
  const send = async (blob: Blob, name: string): Promise<void> => {
    const file = await sentFile(blob, name);
    await sendDraft(chat.id, (taken) => {
      const caption = taken.trim() === '' ? {} : { caption: taken.slice(0, 1024) };
      return say({ ...(isPicture(blob) ? { photo: file } : { document: file }), ...caption });
    });
  };
  const choose = (name: string): void => {
    if (name === 'sample') void samplePhoto().then((blob) => send(blob, 'sample.png'));
    else files.current?.click();
  };
  return html`
    <form class="composer" onSubmit=${submit}>
      ${edited === null ? null : html`<div class="editing"><span><b>Editing</b> <span dir="auto">${lineOf(edited)}</span></span><button type="button" class="button quiet" aria-label="Do not edit" onClick=${() => (editing.value = null)}><${Icon} name="close" /></button></div>`}
      ${chat.type === 'private' ? null : html`<label class="as">Write as <select value=${String(from.id)} onChange=${(event: Event) => writeAs(chat.id, Number((event.target as HTMLSelectElement).value))}>${candidates.value.map((user) => html`<option value=${String(user.id)}>${nameOf(user)}</option>`)}</select></label>`}
      <div class="line">
        <input type="file" hidden ref=${files} aria-label="A photo or a file" onChange=${(event: Event) => {
          const input = event.target as HTMLInputElement;
          const [file] = input.files ?? [];
          if (file !== undefined) void send(file, file.name);
          input.value = '';
        }} />
        <${Menu} label="Send a photo or a file" up=${true} sign=${html`<${Icon} name="attach" />`}>
          <button type="button" class="button quiet" onClick=${() => choose('file')}>A photo or a file…</button>
          <button type="button" class="button quiet" onClick=${() => choose('sample')}>A sample photo</button>
        <//>
        <textarea ref=${field} rows="1" dir="auto" maxlength=${LENGTH_MAX} aria-label="Message" placeholder=${chat.type === 'private' ? 'Message' : `Message as ${nameOf(from)}`} value=${text}
          onInput=${(event: Event) => setText((event.target as HTMLTextAreaElement).value)} onKeyDown=${onKeyDown}></textarea>
        <button class="button primary send" aria-label=${edited === null ? 'Send' : 'Save'} disabled=${text.trim() === ''}><${Icon} name="send" /></button>
      </div>
      <${ReplyKeyboard} />
    </form>
  `;
}
