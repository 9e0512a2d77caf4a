-- How many messages of each key wait, queued and scheduled: to count them anew at each start took seconds where a million wait.
CREATE TABLE waiting_counts (
  slot INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (slot, key_id)
) STRICT, WITHOUT ROWID;
INSERT INTO waiting_counts
  SELECT slot, key_id, count(*) FROM (
    SELECT slot, key_id FROM messages WHERE id IN (SELECT id FROM lanes) AND status = 'queued'
    UNION ALL
    SELECT slot, key_id FROM messages WHERE status = 'scheduled'
  )
  WHERE key_id IS NOT NULL GROUP BY slot, key_id;
