/** Signs that turn the direction of what follows: with one of them `photo\u202Egnp.exe` is shown as `photoexe.png`. */
const TURNING = /[\u202A-\u202E\u2066-\u2069]/g;

/** A file's name as somebody sent it, such that what is shown of it, and saved under it, is how it goes on and ends. */
export const plainName = (name: string): string => name.replace(TURNING, '');
