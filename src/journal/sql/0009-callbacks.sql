-- How far the callbacks of a key have come.
CREATE TABLE callbacks (
  bot TEXT NOT NULL,
  key_id TEXT NOT NULL,
  -- The last entry that its receiver has taken.
  seq INTEGER NOT NULL,
  -- Since when it takes none; null: it does.
  failing_since INTEGER,
  failures INTEGER NOT NULL,
  -- Why nothing more is sent; null: it is.
  disabled TEXT,
  PRIMARY KEY (bot, key_id)
) STRICT, WITHOUT ROWID;
