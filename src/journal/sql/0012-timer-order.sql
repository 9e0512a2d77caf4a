-- Timers that are due at the same moment fire in the order in which they were set.
ALTER TABLE timers ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
DROP INDEX timers_due;
CREATE INDEX timers_due ON timers (bot, due_at, number);
