import type { DatabaseSync } from 'node:sqlite';
import type { Keyring, NewKey } from '../../src/keys/keys.ts';

/** Makes a key as an earlier version did, which let an admin's key be for certain chats. */
export function makeOlderKey(keyring: Keyring, db: DatabaseSync, { chats, ...wanted }: NewKey) {
  if (wanted.role !== 'admin' || chats === null) return keyring.create({ ...wanted, chats });
  const made = keyring.create({ ...wanted, chats: null });
  db.prepare('UPDATE keys SET chats = ? WHERE id = ?').run(JSON.stringify(chats), made.key.id);
  // An id that the keyring does not know makes it read its keys anew.
  keyring.verify(`1:${'x'.repeat(43)}`);
  return made;
}
