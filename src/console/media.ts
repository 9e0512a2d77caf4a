import type { Media } from './console.ts';
import { type Fields, fieldsOf, listOf, textOf, textOrNull, wholeOrNull } from './fields.ts';

const KINDS = ['animation', 'video', 'document', 'audio', 'voice', 'video_note', 'sticker'] as const;

const mediaOf = (kind: string, file: Fields): Media => ({
  kind,
  file_id: textOrNull(file.file_id),
  name: textOrNull(file.file_name) ?? textOrNull(file.title),
  size: wholeOrNull(file.file_size),
});

/** The files of a message as Telegram gives it: of a photo the largest size, of an animation the animation alone. */
export function mediaOfMessage(message: Fields): Media[] {
  const sizes = listOf(message.photo);
  if (sizes.length > 0) return [mediaOf('photo', fieldsOf(sizes.at(-1)))];
  const kind = KINDS.find((one) => message[one] !== undefined);
  return kind === undefined ? [] : [mediaOf(kind, fieldsOf(message[kind]))];
}

/** The files that a call sends: by their id where Telegram has them, by their name where they were uploaded. */
export function mediaOfCall(method: string, params: Fields, files: readonly unknown[]): Media[] {
  const albums = listOf(params.media).map((item) => [textOf(fieldsOf(item).type), fieldsOf(item).media] as const);
  const kind =
    /^send([A-Z]\w*)$/
      .exec(method)?.[1]
      ?.replace(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter}`)
      .toLowerCase() ?? '';
  const own = params[kind] === undefined ? [] : [[kind, params[kind]] as const];
  return [...albums, ...own].flatMap(([kind, file]): Media[] => {
    if (typeof file !== 'string') return [];
    const part = file.replace(/^attach:\/\//, '');
    const uploaded = files.map(fieldsOf).find((one) => one.part === part);
    if (uploaded !== undefined)
      return [{ kind, file_id: null, name: textOrNull(uploaded.name), size: wholeOrNull(uploaded.size) }];
    return [{ kind, file_id: /^\w+:/.test(file) ? null : file, name: /^https?:/.test(file) ? file : null, size: null }];
  });
}
