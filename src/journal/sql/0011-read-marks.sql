-- How far the console's readers have read each chat. Nothing else tells: the console's own index can be made anew from
-- the journal, and this cannot.
CREATE TABLE read_marks (
  key_id TEXT NOT NULL,
  -- A chat; '' is where the key began: what is older counts as read.
  chat TEXT NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (key_id, chat)
) STRICT, WITHOUT ROWID;
