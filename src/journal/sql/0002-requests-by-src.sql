-- Each src is a queue of its own: one that nobody answers holds no other up, however many wait in it.
CREATE INDEX requests_by_src ON requests (bot, src, number);
