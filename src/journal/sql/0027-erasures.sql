-- Orders to erase a chat. An order outlives a crash, so that a start goes on with it.
CREATE TABLE erasures (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  bot TEXT NOT NULL,
  -- Null once it is done: nothing here says then whom it was about.
  chat TEXT,
  asked_at INTEGER NOT NULL,
  done_at INTEGER,
  -- The last entry that it covers; null: the chat is not at rest yet.
  through INTEGER,
  -- The last entry that was looked at.
  position INTEGER NOT NULL,
  -- Entries that have become stubs, and entries of others that lost some of their content.
  entries INTEGER NOT NULL,
  mentions INTEGER NOT NULL,
  -- The seq of its chat.erased entry; null: not written yet.
  told INTEGER
) STRICT;

-- Entries in other chats that an order has rewritten: the console's index is told of them, and then they are deleted here.
CREATE TABLE rewritten_entries (
  erasure INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (erasure, seq)
) STRICT, WITHOUT ROWID;
