-- What may be claimed is found key by key, so that the many messages of one key do not hold up another's. The key of what
-- conversations say is null.
DROP INDEX messages_ready;
DROP INDEX messages_ready_uncounted;
CREATE INDEX messages_ready ON messages (slot, priority, key_id) WHERE ready_at = 0;
CREATE INDEX messages_ready_uncounted ON messages (slot, priority, key_id) WHERE ready_at = 0 AND uncounted = 1;
