-- Keys: who may do what. Until now the keyring made its tables itself, so that an older folder may have them already.
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  -- JSON list of Telegram's chat ids; null: all.
  chats TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  -- SHA-256, hex.
  secret_hash TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- The secret signs: it cannot be kept as a hash.
CREATE TABLE IF NOT EXISTS key_callbacks (
  key_id TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  secret TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- Counts every change to the keys, by whichever process and tool, so that a look at one row tells whether there is anything
-- new. (PRAGMA data_version would change with each commit of the journal.)
CREATE TABLE IF NOT EXISTS keys_version (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  version INTEGER NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS keys_added AFTER INSERT ON keys BEGIN
  INSERT INTO keys_version (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER IF NOT EXISTS keys_changed AFTER UPDATE ON keys BEGIN
  INSERT INTO keys_version (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER IF NOT EXISTS keys_removed AFTER DELETE ON keys BEGIN
  INSERT INTO keys_version (one, version) VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET version = version + 1;
END;
-- JSON list of the scopes that the key has beside those of its role; null: none.
ALTER TABLE keys ADD COLUMN scopes TEXT;
-- JSON list of the event types that it may post; null: every type that its role may.
ALTER TABLE keys ADD COLUMN events TEXT;
