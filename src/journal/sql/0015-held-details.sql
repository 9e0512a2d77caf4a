-- Of a timer or request that came for a quarantined conversation, all but its name, JSON: another version of the machine
-- may know it by another name.
ALTER TABLE held_events ADD COLUMN details TEXT;
-- Until now the event that it failed on did not say that it had been waited for. XState's event says it.
UPDATE held_events SET awaited = 'timer ' || (event ->> 'type')
  WHERE awaited IS NULL AND event ->> 'type' LIKE 'xstate.after.%';
UPDATE held_events SET awaited = 'request ' || (event ->> 'actorId')
  WHERE awaited IS NULL AND (event ->> 'type' LIKE 'xstate.done.actor.%' OR event ->> 'type' LIKE 'xstate.error.actor.%')
    AND event ->> 'actorId' IS NOT NULL;
-- Of what came before this only the name is known.
UPDATE held_events SET details = json_object('dueAt', 0) WHERE awaited LIKE 'timer %';
UPDATE held_events SET details = json_object('id', 'held-' || seq, 'src', '', 'input', 'null', 'createdAt', 0)
  WHERE awaited LIKE 'request %';
