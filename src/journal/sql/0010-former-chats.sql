-- By the new id: who steps a chat's journal again reads what it was called before.
CREATE INDEX moved_chats_by_new ON moved_chats (bot, moved_to, chat);
