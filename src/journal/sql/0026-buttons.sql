-- What signs the buttons of conversations, and the first seq whose message has signed ones: both are given when the journal is
-- opened next. Buttons that were sent before carry the machine's own data, and go on working.
ALTER TABLE head ADD COLUMN button_secret TEXT;
ALTER TABLE head ADD COLUMN buttons_since INTEGER;
