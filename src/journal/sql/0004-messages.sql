-- Entries about the messages that a key posted: it follows them without reading everybody's.
CREATE TABLE owned_entries (
  bot TEXT NOT NULL,
  owner TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (bot, owner, seq)
) STRICT, WITHOUT ROWID;

-- Files that were uploaded with a message, JSON; null: none, or they are deleted as its fate is final.
ALTER TABLE messages ADD COLUMN files TEXT;
CREATE INDEX messages_with_files ON messages (bot, seq) WHERE files IS NOT NULL;
