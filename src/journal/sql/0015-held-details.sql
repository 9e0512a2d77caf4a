-- Of a timer or request that came for a quarantined conversation, all but its name, JSON: another version of the machine
-- may know it by another name. Of those that came before this, only the name is known.
ALTER TABLE held_events ADD COLUMN details TEXT;
UPDATE held_events SET details = json_object('dueAt', 0) WHERE awaited LIKE 'timer %';
UPDATE held_events SET details = json_object('id', 'held-' || seq, 'src', '', 'input', 'null', 'createdAt', 0)
  WHERE awaited LIKE 'request %';
