import { chmodSync, closeSync, fchmodSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What group and others may do. */
const OTHERS = 0o077;
/** Files that Switchboard makes in the data folder. */
const OWN_FILE = /^(switchboard\.(db|lock|stream|sending)|console\.db)(-wal|-shm|-journal)?$/;
/** The root of a disk has this folder, which belongs to the system. */
const SYSTEM_FOLDER = 'lost+found';

/**
 * Makes an empty file that only its owner may read, whatever the umask; one that exists is left as it is. If it cannot be
 * made, nothing happens: whoever opens it next says why. SQLite gives a database's mode to its -wal, -shm and -journal.
 */
export function makePrivateFile(path: string): void {
  try {
    const descriptor = openSync(path, 'wx', 0o600);
    fchmodSync(descriptor, 0o600);
    closeSync(descriptor);
  } catch {
    // It exists, or its folder takes no files.
  }
}

/** Paths of the data folder that group or others may use: the folder, and Switchboard's files in it. None if it does not exist. */
export function exposedPaths(folder: string): string[] {
  const uploads = join(folder, 'uploads');
  const files = namesIn(folder).filter((name) => OWN_FILE.test(name));
  const paths = [
    folder,
    ...files.map((name) => join(folder, name)),
    uploads,
    ...namesIn(uploads).map((name) => join(uploads, name)),
  ];
  return paths.filter((path) => (modeOf(path) & OTHERS) !== 0);
}

/**
 * Takes all rights on the data folder and its files from group and others. A folder that holds other things too is left
 * as it is: others may need those. Returns what was changed, and what others may still use.
 */
export function closeToOthers(folder: string): { readonly closed: string[]; readonly open: string[] } {
  const exposed = exposedPaths(folder);
  for (const path of exposed) {
    if (path === folder && !isOwnAlone(folder)) continue;
    try {
      chmodSync(path, modeOf(path) & ~OTHERS);
    } catch {
      // Another user's file, or a disk that keeps no modes: it stays in the list below.
    }
  }
  const open = exposedPaths(folder);
  return { closed: exposed.filter((path) => !open.includes(path)), open };
}

/** The command that closes these paths to others, for a shell. */
export const closingCommand = (paths: readonly string[]): string =>
  // Backslashes, since the log cuts out what is in quotes.
  `chmod go= ${paths.map((path) => path.replace(/[^\p{L}\p{N}/._-]/gu, '\\$&')).join(' ')}`;

const isOwnAlone = (folder: string): boolean =>
  namesIn(folder).every((name) => OWN_FILE.test(name) || name === 'uploads' || name === SYSTEM_FOLDER);

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Its mode with the bits beyond the rights; 0 if there is no such file. Windows has no such rights: 0 too. */
function modeOf(path: string): number {
  if (process.platform === 'win32') return 0;
  return (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o7777;
}
