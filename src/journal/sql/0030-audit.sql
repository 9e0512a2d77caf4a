-- What was done by whom: rows are added, and go for their age or number alone.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  act TEXT NOT NULL,
  -- Null: no key, as for the command line.
  key_id TEXT,
  -- Of the key or the user of the machine; null: not known.
  name TEXT,
  -- The caller's address, or "command line".
  origin TEXT NOT NULL,
  -- What it was done to: the id of a key, a message or a chat; null: nothing has an id.
  subject TEXT,
  -- JSON; null: there is no more to say.
  detail TEXT,
  -- How often it happened: what comes often is one row a minute.
  count INTEGER NOT NULL,
  -- 1: whoever has a small key, or none, may cause many; they crowd out no others.
  frequent INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_frequent ON audit (frequent, seq);
CREATE INDEX audit_at ON audit (at);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
  SELECT RAISE(ABORT, 'audit rows are not changed');
END;

-- The settings of the last start.
CREATE TABLE started_with (
  name TEXT PRIMARY KEY,
  -- JSON; null: it is a secret.
  value TEXT,
  -- Of a secret: a random salt and the SHA-256 of it and the value, hex.
  hash TEXT
) STRICT, WITHOUT ROWID;
