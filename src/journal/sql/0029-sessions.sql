-- Log-ins of the pages. Every secret is kept as SHA-256 alone, hex.
CREATE TABLE sessions (
  -- Of the secret that the page sends.
  id TEXT PRIMARY KEY,
  -- Of the secret in the cookie.
  cookie_hash TEXT NOT NULL,
  key_id TEXT NOT NULL,
  -- Of the key's secret that it was opened with: the session ends with that.
  key_proof TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- When it was last used, within limits.sessionNoteMs.
  used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
