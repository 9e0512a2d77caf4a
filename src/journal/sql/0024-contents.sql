-- Up to which seq messages have lost their contents, as their entries are gone (retention); the first that was not looked at.
ALTER TABLE head ADD COLUMN contents_from INTEGER NOT NULL DEFAULT 1;
-- Messages that ended later than that: their contents go once the entry with this seq is gone.
CREATE TABLE late_contents (
  -- Of the message's row.
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL
) STRICT;
CREATE INDEX late_contents_by_seq ON late_contents (seq);
CREATE INDEX held_events_by_seq ON held_events (bot, seq);
