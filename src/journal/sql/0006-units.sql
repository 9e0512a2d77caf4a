-- The entries of a unit of work are written as one row: what commits together lies together, and a unit of a hundred
-- entries costs little more than a unit of one.
CREATE TABLE units (
  -- The bot's slot and the seq of the first entry, in one integer (slot * 2^40 + seq): the table is appended to in the
  -- order of its key.
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  -- Of each entry its type, its chat and the length of its body in UTF-16 units: a JSON array of three items an entry.
  heads TEXT NOT NULL,
  -- The entries' bodies, one behind the other.
  bodies TEXT NOT NULL
) STRICT;

-- Where the entries of a chat, or of a type, are: written once for each block of 4096 entries, when it is full. The
-- block that is being filled is known to the process that fills it. An index row an entry was most of what a commit
-- wrote. A reader of one chat looks into each block.
CREATE TABLE entry_index (
  block INTEGER NOT NULL,
  -- A chat (Telegram's id as an integer, or an @name), or 'type ' and a type.
  key ANY NOT NULL,
  -- Places within the block, in order, two bytes each, the lower first.
  places BLOB NOT NULL,
  PRIMARY KEY (block, key)
) STRICT, WITHOUT ROWID;

-- The update_ids received, as runs of successive ones.
CREATE TABLE update_runs (
  bot TEXT NOT NULL,
  last INTEGER NOT NULL,
  first INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (bot, last, first, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX update_runs_by_time ON update_runs (at);

-- Conversations as units of work saved them, on their way into `conversations`: a busy chat's row is written once for
-- many of its steps. Newer than the table, and read before it.
CREATE TABLE saved_conversations (
  -- slot * 2^40 + a number that grows.
  id INTEGER PRIMARY KEY,
  records TEXT NOT NULL
) STRICT;

INSERT INTO units (id, at, heads, bodies) SELECT id, at, json_array(type, chat, length(body)), body FROM entries;
INSERT INTO entry_index (block, key, places)
  SELECT id >> 12, key, unhex(group_concat(printf('%02x%02x', id & 255, (id >> 8) & 15), '' ORDER BY id))
  FROM (SELECT id, chat AS key FROM entries WHERE chat IS NOT NULL UNION ALL SELECT id, 'type ' || type FROM entries)
  GROUP BY id >> 12, key
  HAVING (id >> 12) < (SELECT max(e.id) >> 12 FROM entries AS e WHERE e.id >> 40 = id >> 40);
INSERT INTO update_runs (bot, last, first, at)
  SELECT DISTINCT head.bot, update_id, update_id, at FROM entries JOIN head ON head.slot = entries.id >> 40
  WHERE update_id IS NOT NULL;
DROP TABLE entries;
