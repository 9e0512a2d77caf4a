-- Messages are kept in the order of their acceptance, as entries are: what is claimed together lies together. A chat's
-- messages are found by messages_open alone; it is written as a message comes in and as it leaves, not in between.
CREATE TABLE outgoing (
  -- As an entry's: slot * 2^40 + seq.
  id INTEGER PRIMARY KEY,
  slot INTEGER NOT NULL,
  -- Telegram's id as an integer, or an @name.
  chat ANY NOT NULL,
  -- Messages of a chat that keep their order share lane 0; one that need not has its seq as a lane of its own.
  lane INTEGER NOT NULL,
  method TEXT NOT NULL,
  params TEXT NOT NULL,
  status TEXT NOT NULL,
  -- 1 while it is queued or being sent.
  open INTEGER,
  priority INTEGER NOT NULL,
  -- Of the first message of a lane that has none under way: 0 where it may be claimed, else when to look at it again.
  ready_at INTEGER,
  due_at INTEGER NOT NULL,
  expires_at INTEGER,
  on_unknown TEXT NOT NULL,
  key_id TEXT,
  attempts INTEGER NOT NULL,
  telegram_message_id INTEGER,
  error TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  files TEXT
) STRICT;
INSERT INTO outgoing
  SELECT head.slot * 1099511627776 + seq, head.slot,
    CASE WHEN chat GLOB '-[0-9]*' OR chat GLOB '[0-9]*' THEN CAST(chat AS INTEGER) ELSE chat END,
    0, method, params, status, CASE WHEN status IN ('queued', 'sending') THEN 1 END, priority, NULL, due_at, expires_at,
    on_unknown, key_id, attempts, telegram_message_id, error, created_at, updated_at, files
  FROM messages JOIN head ON head.bot = messages.bot;
DROP TABLE lanes;
DROP TABLE messages;
ALTER TABLE outgoing RENAME TO messages;

-- Partial indexes: they hold what waits, so that they stay small however many messages were ever sent.
CREATE INDEX messages_open ON messages (slot, chat, lane, priority) WHERE open = 1;
CREATE INDEX messages_sending ON messages (slot, chat, lane) WHERE status = 'sending';
CREATE INDEX messages_ready ON messages (slot, priority) WHERE ready_at = 0;
CREATE INDEX messages_resting ON messages (slot, ready_at) WHERE ready_at > 0;
CREATE INDEX messages_scheduled ON messages (slot, due_at) WHERE status = 'scheduled';
CREATE INDEX messages_expiring ON messages (slot, expires_at)
  WHERE status IN ('queued', 'scheduled') AND expires_at IS NOT NULL;
CREATE INDEX messages_with_files ON messages (id) WHERE files IS NOT NULL;

UPDATE messages SET ready_at = due_at WHERE id IN (
  SELECT id FROM (
    SELECT id, slot, chat, row_number() OVER (PARTITION BY slot, chat ORDER BY priority, id) AS place
    FROM messages WHERE open = 1
  ) AS first
  WHERE place = 1 AND NOT EXISTS (
    SELECT 1 FROM messages AS m WHERE m.slot = first.slot AND m.chat = first.chat AND m.status = 'sending'
  )
);

-- Chats that take no messages of the bot: it was blocked, or put out. Until something comes from there.
CREATE TABLE closed_chats (
  slot INTEGER NOT NULL,
  chat ANY NOT NULL,
  -- Why, as Telegram said: {"code","description"}.
  error TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (slot, chat)
) STRICT, WITHOUT ROWID;
