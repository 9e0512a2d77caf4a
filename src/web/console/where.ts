import { signal } from '@preact/signals';

/** What is looked at, as the address says it after the `#`: a link leads to the same chat, and to the very entry. */
export interface Where {
  readonly chat: string | null;
  readonly seq: number | null;
}

function read(): Where {
  const fields = new URLSearchParams(location.hash.slice(1));
  const seq = Number(fields.get('seq'));
  const chat = fields.get('chat');
  return {
    chat: chat !== null && /^(-?\d{1,16}|@\w{1,64})$/.test(chat) ? chat : null,
    seq: Number.isSafeInteger(seq) && seq > 0 ? seq : null,
  };
}

export const where = signal<Where>(read());
addEventListener('hashchange', () => {
  where.value = read();
});

const hashOf = ({ chat, seq }: Where): string =>
  [chat === null ? '' : `chat=${encodeURIComponent(chat)}`, seq === null ? '' : `seq=${seq}`]
    .filter((part) => part !== '')
    .join('&');

/** Looks at a chat, or at an entry of it. */
export function look(next: Where): void {
  location.hash = hashOf(next);
  where.value = next;
}

/** The address of an entry. */
export const linkTo = (seq: number): string => `${location.origin}${location.pathname}#seq=${seq}`;
