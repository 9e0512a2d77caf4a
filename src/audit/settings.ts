import { createHash } from 'node:crypto';
import { limits } from '../limits.ts';
import type { AuditStore, NewAuditEntry, StartedWith } from './audit.ts';

/** A setting by its path, `http.port`. */
export interface FlatSetting {
  readonly name: string;
  /** JSON. */
  readonly value: string;
  readonly isSecret: boolean;
}

/**
 * Keeps the settings of this start, and notes which of them differ from those of the last; of secrets the names alone.
 * Nothing is noted at the first start.
 */
export function noteSettings(
  store: AuditStore,
  settings: readonly FlatSetting[],
  randomBytes: (size: number) => Buffer,
  note: (entry: NewAuditEntry) => void,
): void {
  const before = store.settings();
  const kept = settings.map(({ name, value, isSecret }): StartedWith => {
    if (!isSecret) return { name, value, hash: null };
    return { name, value: null, hash: saltedHash(randomBytes(16).toString('hex'), value) };
  });
  const changed = settings
    .filter((setting) => !isSame(setting, before.get(setting.name)))
    .map(({ name, value, isSecret }) => {
      const was = before.get(name)?.value ?? null;
      return isSecret ? { name } : { name, from: shown(was), to: shown(value) };
    });
  const gone = [...before.keys()].filter((name) => !settings.some((setting) => setting.name === name));
  const isFirst = before.size === 0;
  const entry: NewAuditEntry | null =
    isFirst || changed.length + gone.length === 0
      ? null
      : {
          ...{ act: 'settings.changed', keyId: null, name: null, origin: 'start', subject: null },
          detail: { changed: [...changed, ...gone.map((name) => ({ name }))] },
        };
  if (entry === null && !isFirst) return;
  store.keepSettings(kept, entry === null ? null : () => note(entry));
}

function isSame({ value, isSecret }: FlatSetting, before: StartedWith | undefined): boolean {
  if (before === undefined) return false;
  if (!isSecret) return before.value === value;
  const [salt = ''] = before.hash?.split(':') ?? [];
  return before.hash === saltedHash(salt, value);
}

const saltedHash = (salt: string, value: string): string =>
  `${salt}:${createHash('sha256').update(`${salt}:${value}`).digest('hex')}`;

const shown = (json: string | null): unknown => (json === null ? null : JSON.parse(bounded(json)));

const bounded = (json: string): string =>
  json.length > limits.auditValueMax ? JSON.stringify(`${json.slice(0, limits.auditValueMax)}…`) : json;
