-- How far the conversations of a bot have been brought to the versions of today's machines: one walk in the order of
-- their ids. An index by version would cost each step a write, and is wanted once a deploy.
CREATE TABLE version_check (
  bot TEXT PRIMARY KEY,
  -- What they are held against. Where it is another one at a start, the walk begins anew.
  plan TEXT NOT NULL,
  -- The last id that was looked at; null: all were.
  after TEXT
) STRICT, WITHOUT ROWID;
