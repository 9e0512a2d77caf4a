-- Timers that are due at the same moment fire in the order in which they were set.
ALTER TABLE timers ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
DROP INDEX timers_due;
CREATE INDEX timers_due ON timers (bot, due_at, number);

-- How many events came for a quarantined conversation after as many were held as may be: they are in the journal alone.
ALTER TABLE quarantined ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
