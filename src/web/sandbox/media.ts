import type { Message } from '@grammyjs/types';
import { useState } from 'preact/hooks';
import { plainName } from '../ui/file-name.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { fileAddress } from './answers.ts';
import { kindOf } from './names.ts';

/** What a message has beside its text: a picture, a file to keep, a place, a contact, a poll. */
export function Media({ message }: { readonly message: Message }) {
  const { photo, document, location, contact, poll } = message;
  const picture = photo?.at(-1);
  if (picture !== undefined)
    return html`<${Photo} id=${picture.file_id} width=${picture.width} height=${picture.height} hidden=${message.has_media_spoiler === true} />`;
  const other = message.video ?? message.animation ?? message.audio ?? message.voice ?? message.sticker ?? document;
  if (other !== undefined) {
    const name = 'file_name' in other && other.file_name !== undefined ? plainName(other.file_name) : kindOf(message);
    return html`<a class="file" href=${fileAddress(other.file_id)} download=${name}><${Icon} name="file" /><bdi>${name}</bdi><span class="muted">${sizeOf(other.file_size)}</span></a>`;
  }
  if (location !== undefined) return html`<span class="file">Place: ${location.latitude}, ${location.longitude}</span>`;
  if (contact !== undefined)
    return html`<span class="file"><span dir="auto">${contact.first_name}</span> <span class="mono">${contact.phone_number}</span></span>`;
  if (poll !== undefined)
    return html`<div class="poll"><b dir="auto">${poll.question}</b><ul>${poll.options.map(({ text }) => html`<li dir="auto">${text}</li>`)}</ul></div>`;
  return null;
}

function Photo({
  id,
  width,
  height,
  hidden,
}: {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly hidden: boolean;
}) {
  const [isShown, setShown] = useState(!hidden);
  const [isGone, setGone] = useState(false);
  if (isGone)
    return html`<span class="file">The picture cannot be shown: the sandbox has forgotten it, or it is broken</span>`;
  if (!isShown)
    return html`<button type="button" class="file" onClick=${() => setShown(true)}>Show the hidden photo</button>`;
  // Its place is kept before it comes, so that the chat does not jump.
  const shape = { aspectRatio: `${width} / ${height}` };
  return html`<a href=${fileAddress(id)} target="_blank" rel="noopener"><img class="photo" src=${fileAddress(id)} alt="Photo" width=${width} height=${height} style=${shape} onError=${() => setGone(true)} /></a>`;
}

function sizeOf(bytes: number | undefined): string {
  if (bytes === undefined) return '';
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
