-- The last time that was proven (src/proven-time.ts), ms since 1970: a wall clock that is far ahead of it at the next start
-- is not believed at once.
CREATE TABLE proven_time (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  at INTEGER NOT NULL
) STRICT;
