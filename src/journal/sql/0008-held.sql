-- Conversations that stand still. A mark may outlive its quarantine: the conversation's own row is the truth.
CREATE TABLE quarantined (
  bot TEXT NOT NULL,
  conversation TEXT NOT NULL,
  PRIMARY KEY (bot, conversation)
) STRICT, WITHOUT ROWID;

-- What came for them meanwhile, and the event that they failed on: stepped in the order of seq when they are retried.
CREATE TABLE held_events (
  bot TEXT NOT NULL,
  conversation TEXT NOT NULL,
  seq INTEGER NOT NULL,
  event TEXT NOT NULL,
  -- The timer or request whose coming this is: 'timer <id>', 'request <invoke>'.
  awaited TEXT,
  PRIMARY KEY (bot, conversation, seq)
) STRICT, WITHOUT ROWID;

-- Where the process that holds the data folder answers HTTP.
ALTER TABLE holder ADD COLUMN url TEXT;
