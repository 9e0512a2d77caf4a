-- Until when Telegram asked to wait, also where the message that it said so of is gone.
CREATE TABLE holds (
  slot INTEGER NOT NULL,
  -- The chat that is meant; empty: all that the bot sends.
  chat ANY NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (slot, chat)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_over ON holds (slot, until);
-- Until now the messages themselves told it.
INSERT INTO holds
  SELECT slot, CASE error ->> 'held' WHEN 'bot' THEN '' ELSE chat END AS held, max(ready_at)
  FROM messages INDEXED BY messages_resting WHERE ready_at > 0 AND error ->> 'held' IS NOT NULL GROUP BY slot, held;

-- The attempt during which something came from the message's chat: a refusal of that call says nothing of the chat now.
ALTER TABLE messages ADD COLUMN opened INTEGER;
