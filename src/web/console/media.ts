import { useEffect, useState } from 'preact/hooks';
import type { Media } from '../../console/console.ts';
import { plainName } from '../ui/file-name.ts';
import { html } from '../ui/html.ts';
import { Icon } from '../ui/icon.ts';
import { file } from './answers.ts';
import { bytesText } from './words.ts';

/** What a browser draws as a picture, and nothing that could run. */
const PICTURES = ['photo', 'sticker'];

/** Beyond this a picture is fetched only when it is asked for. */
const PREVIEW_BYTES_MAX = 4 * 1024 * 1024;

/** A file that somebody sent: a small picture, or its name with a way to save it. */
export function MediaView({ media }: { readonly media: Media }) {
  const { kind, size, file_id: id } = media;
  const name = media.name === null ? null : plainName(media.name);
  const isPicture = PICTURES.includes(kind) && id !== null && (size ?? 0) <= PREVIEW_BYTES_MAX;
  const [url, setUrl] = useState<string | null>(null);
  const [state, setState] = useState<'idle' | 'busy' | 'failed'>('idle');
  useEffect(() => {
    if (!isPicture || id === null) return undefined;
    let made: string | null = null;
    let gone = false;
    file(id).then(
      (blob) => {
        if (gone) return;
        // Named a picture, whatever it is: as an image nothing of it runs.
        made = URL.createObjectURL(new Blob([blob], { type: 'image/jpeg' }));
        setUrl(made);
      },
      () => setState('failed'),
    );
    return () => {
      gone = true;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [id]);
  const save = async (): Promise<void> => {
    if (id === null) return;
    setState('busy');
    try {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([await file(id)], { type: 'application/octet-stream' }));
      link.download = name ?? kind;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
      setState('idle');
    } catch {
      setState('failed');
    }
  };
  const sort = kind.replaceAll('_', ' ');
  const bytes = size === null ? '' : ` · ${bytesText(size)}`;
  if (url !== null && state !== 'failed') {
    return html`<button class="picture" type="button" title="Save" onClick=${save}><img src=${url} alt=${`${sort}${name === null ? '' : ` · ${name}`}${bytes}`} onError=${() => setState('failed')} /></button>`;
  }
  return html`
    <button class="file" type="button" disabled=${id === null || state === 'busy'} onClick=${save}>
      <${Icon} name="file" /><span>${sort}${name === null ? null : html` · <bdi>${name}</bdi>`}${bytes}</span>
      ${state === 'failed' ? html`<span class="muted">cannot be fetched</span>` : null}
    </button>
  `;
}
