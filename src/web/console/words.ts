import { Problem, reasonOf } from '../ui/api.ts';
import { noteRefusal } from '../ui/login.ts';
import { visibleOr } from '../ui/visible.ts';

/** What went wrong, in words. Whose key has ended is logged out, and who has another one by now is known by it. */
export function failureText(error: unknown): string {
  noteRefusal(error);
  const field = error instanceof Problem ? error.field : null;
  return field === null ? reasonOf(error) : `${field}: ${reasonOf(error)}`;
}

/** The reader's language; a browser that was started without one may name what is none. */
function localeOf(): string {
  try {
    return Intl.getCanonicalLocales(navigator.language)[0] ?? 'en';
  } catch {
    return 'en';
  }
}
const LOCALE = localeOf();

/** 12345 as `12,345`. */
export const numberText = (count: number): string => count.toLocaleString(LOCALE);

const clock = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric' });
const long = new Intl.DateTimeFormat(LOCALE, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

export const timeOf = (at: string): string => clock.format(new Date(at));
export const fullTime = (at: string): string => new Date(at).toLocaleString(LOCALE);
export const dayOf = (at: string): string => long.format(new Date(at));

/** Today the time, otherwise the day. */
export function shortWhen(at: string): string {
  const [date, now] = [new Date(at), new Date()];
  if (date.toDateString() === now.toDateString()) return clock.format(date);
  return (date.getFullYear() === now.getFullYear() ? day : dayOfYear).format(date);
}

const BYTES = ['B', 'KB', 'MB', 'GB'];
/** 1536 as `1.5 KB`. */
export function bytesText(bytes: number): string {
  const power = Math.min(BYTES.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${BYTES[power]}`;
}

/** What a chat is called: its id where it has no name, or none that is to be seen. */
export const titleOf = (name: string | null | undefined, chat: string): string => visibleOr(name, chat);
