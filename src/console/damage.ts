/** sqlite3.h */
const [SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_IOERR_SHORT_READ] = [11, 26, 522];

/** Whether an error says that a database's file is damaged, or shorter than it says; also of one that came out of a thread. */
export function isDamage(error: unknown): boolean {
  if (!(error instanceof Error && 'errcode' in error)) return false;
  const code = Number(error.errcode);
  // What stands above the lower byte says where the damage is.
  return [SQLITE_CORRUPT, SQLITE_NOTADB].includes(code & 0xff) || code === SQLITE_IOERR_SHORT_READ;
}
