-- The secret that a key had before it got a new one, and how long it still works, ms since 1970; null: it does not.
ALTER TABLE keys ADD COLUMN previous_hash TEXT;
ALTER TABLE keys ADD COLUMN previous_until INTEGER;
-- 1: nothing that a revoked key has waiting is sent.
ALTER TABLE keys ADD COLUMN messages_canceled INTEGER;
-- From now on these go with their keys.
DELETE FROM key_callbacks WHERE key_id NOT IN (SELECT id FROM keys WHERE revoked_at IS NULL);
