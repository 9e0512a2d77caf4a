-- The head row of a bot orders, fences and numbers everything that is committed for it.
CREATE TABLE head (
  bot TEXT PRIMARY KEY,
  -- The bot's number in this file, from 0: see entries.
  slot INTEGER NOT NULL UNIQUE,
  stream TEXT NOT NULL,
  next_seq INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  poll_offset INTEGER
) STRICT, WITHOUT ROWID;

-- Who serves this data folder; the lock itself is the operating system's (switchboard.lock).
CREATE TABLE holder (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  pid INTEGER NOT NULL,
  host TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;

-- An entry's id holds its bot's slot and its seq in one integer (slot * 2^40 + seq): the table is appended to in the
-- order of its key, which is the fastest way into SQLite, and an index entry ends with that integer alone.
CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  -- Telegram's id as an integer, or an @name.
  chat ANY,
  at INTEGER NOT NULL,
  update_id INTEGER,
  body TEXT NOT NULL
) STRICT;
-- By blocks of 4096 entries: what is written together lies together, however many chats there are. An index by chat
-- alone would touch a page a chat, which was most of what a commit wrote. A reader of one chat looks into each block.
CREATE INDEX entries_of_chat ON entries (id >> 12, chat) WHERE chat IS NOT NULL;
CREATE INDEX entries_of_type ON entries (type, id);
CREATE INDEX entries_of_update ON entries (update_id) WHERE update_id IS NOT NULL;

CREATE TABLE conversations (
  bot TEXT NOT NULL,
  id TEXT NOT NULL,
  chat TEXT NOT NULL,
  machine TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  state TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  error TEXT,
  last_seq INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (bot, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX conversations_of_chat ON conversations (bot, chat, id);

-- Groups that became supergroups: who still knows the old id finds the new one.
CREATE TABLE moved_chats (
  bot TEXT NOT NULL,
  chat TEXT NOT NULL,
  moved_to TEXT NOT NULL,
  PRIMARY KEY (bot, chat)
) STRICT, WITHOUT ROWID;

CREATE TABLE timers (
  bot TEXT NOT NULL,
  conversation TEXT NOT NULL,
  id TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (bot, conversation, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (bot, due_at);

CREATE TABLE requests (
  number INTEGER PRIMARY KEY,
  bot TEXT NOT NULL,
  id TEXT NOT NULL,
  conversation TEXT NOT NULL,
  invoke TEXT NOT NULL,
  src TEXT NOT NULL,
  input TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_by_id ON requests (bot, id);
CREATE INDEX requests_of_conversation ON requests (bot, conversation, invoke);

CREATE TABLE messages (
  bot TEXT NOT NULL,
  seq INTEGER NOT NULL,
  chat TEXT NOT NULL,
  method TEXT NOT NULL,
  params TEXT NOT NULL,
  status TEXT NOT NULL,
  priority INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  expires_at INTEGER,
  on_unknown TEXT NOT NULL,
  key_id TEXT,
  attempts INTEGER NOT NULL,
  telegram_message_id INTEGER,
  error TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (bot, seq)
) STRICT, WITHOUT ROWID;
-- Partial indexes: they hold what waits, so that they stay small however many messages were ever sent.
CREATE INDEX messages_queued ON messages (bot, chat, priority, seq) WHERE status = 'queued';
CREATE INDEX messages_scheduled ON messages (bot, due_at) WHERE status = 'scheduled';
CREATE INDEX messages_expiring ON messages (bot, expires_at)
  WHERE status IN ('queued', 'scheduled') AND expires_at IS NOT NULL;
CREATE INDEX messages_sending ON messages (bot, seq) WHERE status = 'sending';

-- The first queued message of each chat and priority: what may be claimed is found among these, however many wait
-- behind them.
CREATE TABLE lanes (
  bot TEXT NOT NULL,
  chat TEXT NOT NULL,
  priority INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  PRIMARY KEY (bot, chat, priority)
) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_by_priority ON lanes (bot, priority, seq, due_at);
CREATE INDEX lanes_by_time ON lanes (bot, due_at);

CREATE TABLE answers (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers (at);
