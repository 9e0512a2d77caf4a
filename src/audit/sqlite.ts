import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { damaged } from '../storage-fault.ts';
import { ACTS, type AuditEntry, type AuditStore, isFrequent } from './audit.ts';

/** The audit log in SQLite (0030-audit.sql). Give it the keys' connection. */
export function createSqliteAuditStore(db: DatabaseSync): AuditStore {
  const add = db.prepare(
    `INSERT INTO audit (at, act, key_id, name, origin, subject, detail, count, frequent)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const page = db.prepare(
    `SELECT * FROM audit WHERE seq < ?1 AND (?2 IS NULL OR act = ?2) AND (?3 IS NULL OR key_id = ?3)
     ORDER BY seq DESC LIMIT ?4`,
  );
  const trimAge = db.prepare('DELETE FROM audit WHERE at < ?');
  const trimNumber = db.prepare(
    `DELETE FROM audit WHERE frequent = ?1 AND seq <= coalesce(
       (SELECT seq FROM audit WHERE frequent = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2), 0)`,
  );
  const settings = db.prepare('SELECT name, value, hash FROM started_with');
  const dropSettings = db.prepare('DELETE FROM started_with');
  const keepSetting = db.prepare('INSERT INTO started_with (name, value, hash) VALUES (?, ?, ?)');

  return {
    add({ act, keyId, name, origin, subject, detail }, at, count) {
      const more = detail === null ? null : JSON.stringify(detail);
      add.run(at, act, keyId, name, origin, subject, more, count, isFrequent(act) ? 1 : 0);
    },
    page: ({ before, limit, act, keyId }) =>
      page.all(before ?? Number.MAX_SAFE_INTEGER, act, keyId, limit).map(entryOf),
    trim(before, max, frequentMax) {
      trimAge.run(before);
      trimNumber.run(0, max);
      trimNumber.run(1, frequentMax);
    },
    settings: () =>
      new Map(
        settings.all().map((row) => {
          const name = String(row.name);
          return [name, { name, value: textOf(row.value), hash: textOf(row.hash) }];
        }),
      ),
    keepSettings(kept, note) {
      db.exec('BEGIN IMMEDIATE');
      try {
        dropSettings.run();
        for (const { name, value, hash } of kept) keepSetting.run(name, value, hash);
        note?.();
        db.exec('COMMIT');
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK');
      }
    },
  };
}

function entryOf(row: Record<string, SQLOutputValue>): AuditEntry {
  const act = ACTS.find((known) => known === row.act);
  if (act === undefined) throw damaged('audit.act holds no known act');
  return {
    ...{ seq: Number(row.seq), at: Number(row.at), act, count: Number(row.count) },
    ...{ keyId: textOf(row.key_id), name: textOf(row.name), origin: String(row.origin), subject: textOf(row.subject) },
    detail: typeof row.detail === 'string' ? JSON.parse(row.detail) : null,
  };
}

const textOf = (value: SQLOutputValue | undefined): string | null => (typeof value === 'string' ? value : null);
