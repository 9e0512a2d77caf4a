-- Messages of unknown fate are few as a rule, and are listed and settled many at once. Every column that they are chosen by
-- is in the index: a choice among a million reads no row but those it gives.
CREATE INDEX messages_unknown ON messages (slot, id, key_id, chat, method, updated_at) WHERE status = 'unknown';
