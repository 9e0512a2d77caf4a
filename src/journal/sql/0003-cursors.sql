-- How far each key has read by getUpdates: what is up to `seq` it has confirmed.
CREATE TABLE cursors (
  bot TEXT NOT NULL,
  key_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  -- The offset that confirmed last; null: none did yet.
  confirmed_offset INTEGER,
  -- The kinds of update that the key asked for, a JSON array; null: Telegram's default.
  allowed_updates TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (bot, key_id)
) STRICT, WITHOUT ROWID;
