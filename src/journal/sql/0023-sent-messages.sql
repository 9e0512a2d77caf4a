-- Finds what the bot sent by Telegram's id of it: who may change a message, and whose button was pressed. The id comes before the
-- chat, as ids ascend: what is sent together lies together.
CREATE INDEX messages_sent ON messages (slot, telegram_message_id, chat) WHERE telegram_message_id IS NOT NULL;
-- Other addresses of a sent message: the further items of an album, and the numeric chat of one that was sent to an @name.
CREATE TABLE sent_addresses (
  slot INTEGER NOT NULL,
  telegram_message_id INTEGER NOT NULL,
  chat ANY NOT NULL,
  -- Of the message's row.
  id INTEGER NOT NULL,
  PRIMARY KEY (slot, telegram_message_id, chat, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sent_addresses_of_message ON sent_addresses (id);
CREATE TRIGGER sent_addresses_go AFTER DELETE ON messages BEGIN
  DELETE FROM sent_addresses WHERE id = old.id;
END;
