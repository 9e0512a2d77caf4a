-- A data folder that was copied (a backup, say) sends nothing until somebody has looked at it. Since when, in ms since 1970, and
-- the first seq that was given since; null: it sends.
ALTER TABLE head ADD COLUMN held_since INTEGER;
ALTER TABLE head ADD COLUMN held_from INTEGER;
-- Which file switchboard.stream was when the journal was last opened: a copied folder has another. Null: not known yet.
ALTER TABLE head ADD COLUMN marker TEXT;
