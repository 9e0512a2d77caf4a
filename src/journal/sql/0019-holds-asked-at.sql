-- When Telegram asked to wait, ms since 1970: a clock that is set back later must not make the wait longer than was asked.
-- Null: an earlier version noted it.
ALTER TABLE holds ADD COLUMN asked_at INTEGER;
