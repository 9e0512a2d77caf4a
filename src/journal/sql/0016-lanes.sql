-- Which messages wait in a lane, or are under way: until now an index of messages. A message that ends took its entry out
-- at once, which costs a page for nearly every message, as chats come in no order. Now it is named by a tombstone, and the
-- entries of many are taken out together, page by page (sqlite-tombstones.ts).
CREATE TABLE lanes (
  slot INTEGER NOT NULL,
  -- As in the message's row.
  chat ANY NOT NULL,
  lane INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  id INTEGER NOT NULL,
  PRIMARY KEY (slot, chat, lane, priority, id)
) STRICT, WITHOUT ROWID;
INSERT INTO lanes SELECT slot, chat, lane, priority, id FROM messages WHERE open = 1 ORDER BY slot, chat, lane, priority, id;
-- The column stays, and is written no more: to drop it would write every message anew.
DROP INDEX messages_open;

-- Entries of lanes whose messages have ended, those of one commit a row.
CREATE TABLE lane_tombstones (
  slot INTEGER NOT NULL,
  -- Of the first of them.
  id INTEGER NOT NULL,
  -- [[chat, lane, priority, id], …]
  entries TEXT NOT NULL,
  PRIMARY KEY (slot, id)
) STRICT, WITHOUT ROWID;
