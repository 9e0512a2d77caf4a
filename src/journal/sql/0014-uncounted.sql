-- What Telegram does not count as a message (an edit, an answer to a button) is not held up by the bot's pace: it is found
-- by an index of its own, however much waits for that.
-- 1: Telegram does not count it.
ALTER TABLE messages ADD COLUMN uncounted INTEGER;
UPDATE messages SET uncounted = 1
  WHERE status IN ('queued', 'scheduled', 'sending') AND method IN ('editMessageText', 'editMessageCaption',
    'editMessageReplyMarkup', 'deleteMessage', 'pinChatMessage', 'sendChatAction', 'answerCallbackQuery');
CREATE INDEX messages_ready_uncounted ON messages (slot, priority) WHERE ready_at = 0 AND uncounted = 1;
