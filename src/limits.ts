/**
 * Every bound in one place (I9): its value, why that value, and what happens there. Sizes in bytes, times in ms.
 * What a person running Switchboard may want to change is a setting instead (config/schema.ts). Telegram's own constants
 * that the sandbox imitates (buttons of a keyboard, commands of a list, …) stand beside their use.
 */
export const limits = {
  // Telegram's own figures (telegram.md). A message beyond them is refused before it is accepted.
  textLengthMax: 4096,
  captionLengthMax: 1024,
  callbackTextLengthMax: 200,
  /** Telegram does not say; its own are 19 digits. */
  callbackQueryIdLengthMax: 256,

  // Polling. 100 is Telegram's maximum; more updates wait in Telegram's queue.
  pollUpdatesMax: 100,
  /** An answer of getUpdates is about 4 MiB at most; beyond this the answer is dropped and asked for again. */
  botApiAnswerBytesMax: 32 * 1024 * 1024,
  /** Backoff after network errors, 5xx and malformed answers: doubled from min to max, with jitter. */
  pollBackoffMinMs: 500,
  pollBackoffMaxMs: 60_000,
  /** An empty answer sooner than this waits as long: a long poll that does not hold must not spin. */
  pollEmptyMinMs: 100,
  /** Another poller holds the token: tried again at this interval, since each try disturbs the other. */
  pollConflictDelayMs: 10_000,
  /**
   * A long poll that is unanswered for so long after its own time, or nothing within it for as long, has lost its link: given
   * up, and asked again on a new connection.
   */
  pollLateMs: 5_000,
  /** No poll is given up sooner: a short one, after a failure, may take its time. */
  pollSilenceMinMs: 15_000,
  /** The answer of a poll may take so long while it keeps coming: 4 MiB over a slow link. */
  pollAnswerMs: 120_000,
  /** A token that was good and is refused is given up after so long: Telegram refuses good ones for minutes at times. */
  pollRefusedMs: 15 * 60_000,
  /** A call that is not a long poll and takes longer than this counts as unanswered. */
  botApiTimeoutMs: 30_000,
  /** A gateway in front of Telegram that asks for a longer wait (Retry-After) is asked again after this one. */
  gatewayWaitMaxMs: 3_600_000,
  /** Characters of the address a gateway redirects to that an error names; a longer one is not named. */
  locationLengthMax: 200,

  /** Bytes of a file that holds a secret: the longest secret is far shorter. A longer file is refused. */
  secretFileBytesMax: 16 * 1024,

  // The journal.
  /** Deliveries of one update_id within this time are one update; after it the id may be a new one (I2). */
  dedupeWindowMs: 48 * 3_600_000,
  /** Jobs committed in one transaction; the rest wait for the next. Bounds the time a commit holds the loop. */
  groupCommitJobsMax: 256,
  /**
   * Of these, posts beside anything else: however much else there is to commit, they go on; and a reply, on its way through
   * some commits, waits for no more of them.
   */
  groupCommitPatientBeside: 64,
  /** Jobs waiting for a commit, posts and others each. At the bound new ones are refused as `overloaded`; the poller backs off. */
  commitQueueMax: 20_000,
  /** What a caller who was refused as `overloaded` is told to wait. */
  overloadRetryMs: 1000,
  /**
   * Tries to begin a transaction while another process holds the write lock, this long apart: 5 s in all. Then writes are
   * refused as `data_locked` at once, until the lock is gone.
   */
  lockRetryMs: 20,
  lockTriesMax: 250,
  /** `doctor` reads the database for so long at most; some 100 MB a second. */
  quickCheckMaxMs: 10 * 60_000,
  /** Between looks whether the database is still where it was opened: noticed within 5 s on a slow disk too. */
  dataFolderLookMs: 1000,
  /** Looks in a row that find no journal in the database's file, until it counts as overwritten: another process may be writing. */
  dataFolderUnreadableMax: 3,
  /** Between tries to commit on a disk that is full or fails; what a caller who was refused for it is told to wait. */
  storageRetryMs: 5000,
  /** Between two log lines about the same trouble of the disk, however many requests fail meanwhile. */
  storageLogEveryMs: 60_000,
  /** Bytes that the write-ahead log shrinks to once all of it is in the database: as much as lies between two checkpoints. */
  writeAheadLogBytesMax: 32 * 1024 * 1024,
  /** Conversations that one commit writes to their table at once; more go there by and by (sqlite-conversations.ts). */
  conversationsSavedAtOnceMax: 16,
  /** Conversations on their way to the table before they are written: at most twice as many are in memory. */
  conversationsOnTheWayMax: 16_384,
  /** Characters of their snapshots, likewise; where those that are being written hold up so many more, they go at once. */
  conversationsOnTheWayLengthMax: 16 * 1024 * 1024,
  /** Of these, written with each commit; more where a commit saves more, so that they never pile up. */
  conversationsSliceMin: 256,
  /** After this time they are written without waiting for more: other processes read the table. */
  conversationsWriteBackMs: 1000,
  /** Units of work that retention takes away in one of its own, some 20 ms of it; the next takes the rest. */
  trimUnitsMax: 50,
  /** Messages, and held events, whose contents retention takes in one unit of work, some 5 ms of it; the next takes the rest. */
  forgottenAtOnce: 200,
  /** Pages of the database that retention gives back to the disk in one unit of work: 1 MiB, some 5 ms. */
  reclaimedPagesAtOnce: 256,
  /** One page in so many may be free: new entries fill those soon, and to move pages in their place would write as much again. */
  freePagesShare: 16,
  /** Characters of entries that an erasure or an export looks through at once, some 10 ms of it; then others have their turn. */
  eraseLookLength: 2 * 1024 * 1024,
  /** Rows of a table likewise. */
  eraseRowsPerLook: 500,
  /** Messages of an erased chat that are canceled in one unit of work. */
  eraseCancelsPerUnit: 200,
  /** While a message of the chat is being sent, or the log is in use, an erasure looks again after this time. */
  eraseLookAgainMs: 200,
  /** After a failure it is tried again: the disk is full, say. */
  eraseRetryMs: 5_000,
  /** Erasures that are done and are still told of; older ones are forgotten. */
  erasuresKept: 100,
  /** Bytes of a file in one line of an export. */
  exportFileChunkBytes: 768 * 1024,
  /** Erased entries that the console's index is told of at once. */
  eraseSeqsPerAsk: 1000,
  /** Lines of a chat that the console reads again, to find its last text, once some of it was erased. */
  eraseLinesReadAgain: 20,
  /** Between two looks of a command at how far an erasure is. */
  erasePollMs: 250,
  /** Between looks at what has become too old. */
  retentionEveryMs: 60_000,
  /** Retention waits for a key that is behind, by the façade or with its callbacks, until what it takes is so many times as old, or as many, as it is set to. */
  retentionPatience: 2,
  /** Entries a single read returns. */
  readEntriesMax: 1000,
  /** What an entry counts beside its body where reads are bounded by length: its id, type, chat and time as they are sent. */
  entryEnvelopeLength: 175,

  /** Rows that one figure of the metrics looks at, a few ms; beyond it the figure is that of these. */
  figuresRowsMax: 1000,

  // Conversations.
  /** Microsteps of one step: an `always` loop beyond them is a fault of the machine, and costs its chat alone (I8). */
  microstepsMax: 1000,
  /**
   * Timers and answers that one conversation takes within a time while nobody writes to it: one that sets its next timer
   * at once, or asks again at once, would go round for ever. More are a fault of the machine (I8). Counted in memory: a
   * restart counts anew. Far above what one step can ask for.
   */
  aloneStepsMax: 1000,
  aloneMs: 60_000,
  /** Messages, timers and requests that one step asks for; more are a fault of the machine. */
  effectsPerStepMax: 100,
  /** Characters of a snapshot as JSON; a larger one is a fault of the machine. */
  snapshotLengthMax: 256 * 1024,
  /** Characters of a message, an input or an event that a machine asks for, as JSON; a larger one is its fault. */
  effectLengthMax: 256 * 1024,
  /** How deep a context, or what a step asks for, may be nested; deeper is a fault of the machine. */
  contextDepthMax: 100,
  /** Events of a quarantined chat that are stepped in one unit of work when it is retried; the next unit takes the rest. */
  heldEventsPerUnit: 200,
  /**
   * Events from outside that wait for a quarantined chat, some 3 MB of them. What comes beyond is journalled, and not
   * taken when it is retried: its chat.resumed entry says how many. Timers and answers always wait: no more are made.
   */
  heldEventsMax: 10_000,
  /** Characters of a fault's text that are kept with a quarantined chat; the rest is cut. */
  faultTextLengthMax: 2000,
  /** Chats held in memory; the least recently used is passivated, since the database has it. */
  liveConversationsMax: 10_000,
  /** Characters of their snapshots, each some 5 bytes with the object that it is; beyond it as beyond the count. */
  liveConversationsLengthMax: 32 * 1024 * 1024,
  /** A chat unused for so long is passivated; looked for at this interval. */
  conversationIdleMs: 10 * 60_000,
  conversationIdleLookMs: 60_000,
  /** Overdue timers stepped in one unit of work; the next unit takes the rest. */
  timersPerUnitMax: 200,
  /** Delay of a machine's `after` or `raise`, 100 years; a longer one is a fault of the machine. */
  timerDelayMaxMs: 100 * 366 * 24 * 3_600_000,
  /** Longest single wait of an armed timer, far below setTimeout's own limit of 2^31 ms, beyond which it fires at once. */
  timerArmMaxMs: 60_000,
  /** How soon a wall clock that was set, or a machine that slept, is noticed. A look costs a microsecond. */
  clockLookMs: 1000,
  /** The wall clock left the steady one by more between two looks: it was set. NTP shifts it by far less. */
  clockStepMs: 2000,
  /** The wall clock is believed if it is no further from the proven time, or from Telegram's: far below what retention counts in. */
  clockBelievedMs: 5 * 60_000,
  /** A jump ahead that Telegram says nothing about is believed after so long. */
  clockDoubtMs: 24 * 3_600_000,
  /** A doubt that lasts so long is told: most end with Telegram's first answer after a start. */
  clockDoubtToldMs: 10_000,
  /** How often a jump is looked for. */
  provenLookMs: 10_000,
  /** How often the proven time is kept for the next process; below clockBelievedMs, so that a restart raises no doubt. */
  provenKeepMs: 60_000,

  /** Conversations whose versions are read at once, when a new version of a machine looks for those of another. */
  sweepPageMax: 1000,
  /** Conversations brought to a new version in one unit of work: it holds other chats up for some 10 ms. */
  sweepUnitMax: 100,
  /** Chats that `switchboard migrate` names for each thing that becomes of conversations. */
  migrateExamplesMax: 3,
  /** Characters that a command gathers before it prints them. */
  printedChunkLength: 64 * 1024,
  /** A command that takes longer than this says how far it is, as often. */
  commandProgressMs: 1000,
  /** Pages that a backup copies between two looks at how far it is: 16 MiB, some 50 ms on a slow disk. */
  backupPagesAtOnce: 4096,
  /** What the search waits between two pages, so that it takes the less of the time the more there is to do. */
  sweepPauseMs: 5,

  // Backend requests.
  /** Requests of one src asked at once; the rest wait in the database. Each src has room of its own. */
  requestsInFlightMax: 32,
  /** Of all srcs together: of machines that name many, or make names of what users write. The rest wait as well. */
  requestsInFlightAllMax: 512,
  /** Srcs whose oldest requests are read at once; the next look goes on behind them. */
  requestSrcsPerLook: 64,
  /** Srcs of which it is known how they fare; beyond it one that nothing is asked of is forgotten. */
  requestSrcsRememberedMax: 1000,
  /** Requests without an answer. Beyond it the newest end at once, and their machines are told `overloaded`. */
  requestsOpenMax: 100_000,
  /** Requests between two tries that leave their place to others; one more keeps its place while it waits. */
  requestsRestingMax: 512,
  /** Tries of one src that failed in a row, while one is under way, before the backend counts as degraded. */
  backendFailuresMax: 3,
  /** Ids of requests that have ended, so that a list read a moment before does not start one again; the oldest go. */
  requestsRememberedMax: 1024,
  /**
   * A request whose conversation no longer waits may still answer for so long, so that what the backend did is journalled;
   * then its call is cut off. It takes its place meanwhile: whoever asks anew and anew must not take them all.
   */
  requestLateMs: 5_000,
  requestBackoffMinMs: 500,
  /** A backend that asks for a longer wait (Retry-After) is asked again after this one. */
  backendWaitMaxMs: 24 * 3_600_000,
  /** Longest wait before an answer that the disk did not take is stored again. */
  answerBackoffMaxMs: 10_000,
  /** Bytes of an answer of the backend's HTTP service; beyond it the request fails. */
  backendAnswerBytesMax: 1024 * 1024,

  // A key's shares of what all keys have together: a quarter, if nothing else is said. Beyond them 429 with Retry-After.
  /** Messages and events that a key posts a second: a quarter of what is accepted one by one on two cores. */
  keyPostsPerS: 1500,
  /** How many may come at once: a quarter of commitQueueMax, and at least batchMessagesMax. */
  keyPostsBurst: 5000,
  /** Messages of a key that wait, on the disk: a quarter of outboxMessagesMax. */
  keyMessagesWaitingMax: 250_000,
  /** Files of a key that wait to be sent, on the disk: a quarter of uploadsHeldBytesMax. */
  keyUploadsHeldBytesMax: 1024 * 1024 * 1024,

  // The outbox.
  /** Messages waiting, on the disk. At the bound POST answers 503 with Retry-After. */
  outboxMessagesMax: 1_000_000,
  /** Room beyond it for what conversations send. At that bound no update, timer or answer is taken in until some have gone. */
  outboxRepliesMax: 50_000,
  outboxFullRetryMs: 5000,
  /** Scheduled messages queued, and expired ones ended, in one unit of work; the next unit takes the rest. */
  outboxDuePerUnitMax: 500,
  /** Waiting messages looked at in one unit of work when those of a key are canceled, some 5 ms. */
  cancelLooksPerUnit: 1000,
  /**
   * Messages that have ended and whose entries are still in their chats' lanes: at so many all are taken out, which others
   * wait for, some 10 ms where half a million wait.
   */
  laneTombstonesMax: 2048,
  /** Calls to Telegram under way at once; the rest wait in the database. */
  sendsInFlightMax: 192,
  /** Calls that wait to leave and are noted in the data folder; one more takes the oldest one's place, which counts as left. */
  sendMarks: 1024,
  /** Of those, kept for replies: calls in bulk, however slow, never take them all. */
  sendsForRepliesMin: 48,
  /** A fate waits this long for others, so that they share a commit; not where three of four calls under way have ended. */
  fatesCollectMs: 10,
  /** Messages read for a claim at first, where most often the pace lets no more go; then twice as many each time. */
  claimPageMin: 16,
  /** Messages looked at in one unit of work; the next unit takes the rest. */
  claimLooksMax: 1000,
  /** Calls that failed in a row, of whatever messages, before the outbox counts as degraded. */
  sendFailuresMax: 5,
  /** Tries of one message that Telegram answered with 5xx, moved on, or is resent; then it is `failed` or `unknown`. */
  sendAttemptsMax: 8,
  /** What is tried again fails this long after its first failure: as long as Telegram keeps updates itself. */
  sendDeadlineMs: 24 * 3_600_000,
  /** Kinds of failures that a message remembers; the oldest but one goes. */
  fateHistoryMax: 8,
  sendBackoffMinMs: 500,
  sendBackoffMaxMs: 30_000,
  // Pacing: how the buckets learn (outbox/bucket.ts). Shares are of the rate that a bucket starts with.
  /** Chats whose pace is remembered, each some 300 bytes; the one written to longest ago starts anew. */
  pacedChatsMax: 10_000,
  /** Chats that Telegram asked to wait with are passed over then; so many at once, and the next goes all the same. */
  pacedHeldLooksMax: 100,
  /** A bucket that somebody waits for gets wider by this share, this often. */
  paceWidenShare: 0.1,
  paceWidenEveryMs: 10_000,
  /** A refusal narrows it to this part of what it was, within these bounds. */
  paceNarrowTo: 0.7,
  paceShareMin: 0.05,
  paceShareMax: 10,
  /** Up to this part of the rate that was refused it comes back; beyond it after a while, doubled with each refusal. */
  paceCeilingShare: 0.95,
  paceCalmMinMs: 60_000,
  paceCalmMaxMs: 3_600_000,
  /** Two chats refused within this time, neither busy: it is the bot that is meant. */
  paceSameCauseMs: 1000,
  /** What waits in bulk goes this much of the bot's rate at a time: a commit for a few messages, not for each. */
  bulkEveryMs: 100,
  /**
   * Messages in a chat's line that need no order are looked at again after this time at the latest: as often as a bucket may
   * widen, since a turn given out further ahead would be one of the older, slower pace.
   */
  paceRestMaxMs: 10_000,
  /** How deep the parameters of a call may be nested; Telegram's own are some ten levels deep. Beyond it 400. */
  callDepthMax: 100,
  /** Values in the JSON of a body, names included: a batch of 1000 messages has some 50,000. Beyond it 400. */
  jsonValuesMax: 100_000,
  /** The same of one call: a keyboard of 300 buttons and 1000 entities have some 10,000. Beyond it 400. */
  callValuesMax: 20_000,
  /** Parameters of one call; the method with most has some 40. Beyond it 413. */
  parametersMax: 200,
  /** Entities of a text: Telegram passes over all but the first 100. Beyond it 422. */
  entitiesMax: 1000,
  /** Rows of a keyboard, and buttons of a row: Telegram takes fewer. Beyond it 422. */
  keyboardRowsMax: 300,
  /** Messages in one POST to /v1/messages/batch. */
  batchMessagesMax: 1000,
  /** An Idempotency-Key is remembered for this long. */
  idempotencyWindowMs: 7 * 24 * 3_600_000,
  /** How far ahead `send_at` may lie. */
  scheduleAheadMaxMs: 366 * 24 * 3_600_000,
  messageWaitMaxMs: 50_000,
  /** Messages of unknown fate that one call resolves, in one transaction of some 20 ms; the caller comes again for the rest. */
  resolvedPerCallMax: 500,
  /** The count of those that are left stops here. */
  remainingCountMax: 10_000,
  /** Ids that a filter names. */
  filterIdsMax: 1000,
  /** Calls that made or changed one message, of those that are looked at for whose it is: the first is the one that made it. */
  callsOfMessageMax: 100,
  /** Entries among which the last one of some chats is looked for in one go: 64 blocks of the index, some ms. */
  lastSeqEntriesMax: 64 * 4096,
  /** Parameters dropped from the calls of keys for certain chats that the log tells of; those beyond are dropped in silence. */
  droppedNamesMax: 1000,
  /** Characters of such a name that are told: it is whatever the caller wrote. */
  droppedNameLengthMax: 64,
  /** Callers waiting for a message's fate, each some 2 KiB; the next one is answered at once, as the message stands. */
  messageWaitersMax: 10_000,
  /** Of these, those who wait for messages of one key; what conversations say nobody waits for. */
  messageWaitersPerKeyMax: 2_500,
  // Callbacks.
  /** Keys whose callbacks are on their way at once, one of each; the others wait their turn. */
  callbacksInFlightMax: 32,
  /** Entries read at once for a key's callbacks: then its cursor is saved, and other keys have their turn. */
  callbackPageEntries: 50,
  /** A receiver that answers later has not taken it. */
  callbackTimeoutMs: 15_000,
  /** Bytes of its answer that are read; of a longer one the connection is dropped. */
  callbackAnswerBytesMax: 64 * 1024,
  /** Waits between tries: doubled from min to max, with jitter. */
  callbackBackoffMinMs: 5_000,
  callbackBackoffMaxMs: 3_600_000,
  /** A receiver that has taken nothing for this long gets no more until somebody resumes it. */
  callbackGiveUpMs: 3 * 24 * 3_600_000,

  /** The type of an event posted to a conversation. */
  eventTypeLengthMax: 100,

  // Operators' streams.
  /** Recent entries kept encoded for all readers, by count and by bytes; older ones are read from the journal. */
  broadcastEntriesMax: 4096,
  broadcastBytesMax: 8 * 1024 * 1024,
  /** Chunks kept for readers at one place: few places, as whoever keeps up is at the head. Beyond it all are made anew. */
  sharedChunksMax: 32,
  /**
   * Bytes of one write, and bytes that a socket may hold before its reader waits until it drains: a reader that takes
   * nothing costs twice this and one entry, as long as it is let stay.
   */
  readerBufferBytes: 64 * 1024,
  /** A socket that takes nothing for this long while something waits for it, of a stream or an answer, is closed. */
  readerStuckMs: 60_000,
  heartbeatMs: 15_000,
  /** Open streams of one key; the next one gets 429 with Retry-After. */
  streamsPerKeyMax: 100,
  /** Open streams of all keys, some 15 KB each; the next one gets 503 with Retry-After. */
  streamsMax: 12_000,
  /** Base of the `retry:` field; each reader gets it with jitter so that not all return at once. */
  reconnectMs: 2000,
  /**
   * Readers written to before other work gets its turn, at some 10 µs each; the rest follow in the next tick. Fewer would
   * let commits in more often, each with less in it, and a round over many readers would take longer.
   */
  readersPerTick: 256,
  /** Pages of the journal read at once for readers that are behind; the other readers wait their turn. */
  replayPagesMax: 8,
  /** Length of the entries in one page, of a poll's answer or a chat's journal: with the one that reaches it the page ends. */
  pageLengthMax: 4 * 1024 * 1024,
  /**
   * Answers of many entries under way, made or on their way to a caller who takes them slowly: polls, getUpdates, chats'
   * journals and lives. Each is some 4 MiB at most. Of one key; the next one gets 429 with Retry-After.
   */
  answersPerKeyMax: 8,
  /** The same of all keys together; the next one gets 503 with Retry-After. */
  answersMax: 64,
  answersRetryMs: 1000,
  /** Characters of an answer that goes to its socket as a text; a longer one goes as bytes. */
  answerTextMax: 64 * 1024,
  /** Entries read at once for a poll, so that other work gets its turn. */
  pollPageEntries: 100,
  /** Pages read for one poll whose filter lets little through; the answer says that there is more. */
  pollPagesMax: 50,
  /** Values of one `?chat=` or `?type=` filter. */
  filterValuesMax: 100,
  /** How often keys changed by another process (the CLI) are noticed; revoked streams end within 1 s. */
  keysRefreshMs: 250,

  // Tickets, in memory.
  /** Time to open a stream with a ticket. */
  ticketLifeMs: 30_000,
  /** Time to come back with it after its stream has ended; then a new one is needed. */
  ticketReturnMs: 5 * 60_000,
  /** Tickets of one key that are good for something; the next one is refused. Twice the streams that it may have. */
  ticketsPerKeyMax: 200,

  // The Bot API façade.
  /** Updates in one answer of getUpdates: Telegram's own maximum. */
  facadeUpdatesMax: 100,
  /** One answer of getUpdates, about Telegram's own bound; the rest waits for the next poll. */
  facadeAnswerBytesMax: 4 * 1024 * 1024,
  /** A long poll waits no longer, whatever it asks for: as Telegram's. */
  facadePollTimeoutMaxS: 50,
  /** What a key's first poll begins with: Telegram keeps updates for as long. */
  facadeBacklogMs: 24 * 3_600_000,
  /** Entries that hold nothing for a key before its cursor is moved past them: a write for so many. */
  facadeSkipMax: 1000,
  /** How long a write waits for Telegram's answer. Then it is taken back, if it is not being sent yet: 429. */
  facadeWriteWaitMs: 50_000,
  /** Calls that are passed on (getMe, getChat, getFile, those that moderate) under way, of one key and of all; the next one gets 429. */
  facadeCallsPerKeyMax: 8,
  facadeCallsMax: 16,
  /** Downloads under way, of one key and for all; the next one gets 429. */
  facadeDownloadsPerKeyMax: 8,
  facadeDownloadsMax: 16,
  /** What a caller who was refused for one of these is told to wait. */
  facadeBusyRetryMs: 1000,
  /** Paths that a key restricted to chats got from getFile and may download; the oldest go, and getFile gives them anew. */
  facadePathsMax: 1000,
  /** Keys that poll, of which it is remembered how far each is; beyond, the one that polled longest ago is no more told of. */
  facadePollersMax: 1000,
  /** A file: the most that Telegram stores for a bot (a local Bot API server gives it out). Beyond it the download breaks off. */
  fileBytesMax: 2000 * 1024 * 1024,
  /** A download of which Telegram gives nothing for this long breaks off. Of a caller who takes nothing see readerStuckMs. */
  fileStallMs: 30_000,

  // The operators' client (src/client), in their own process or browser.
  /** Coming back: doubled from min to max while nothing comes, with jitter; or as the server says. */
  clientBackoffMinMs: 500,
  clientBackoffMaxMs: 30_000,
  /** A stream that says nothing for so long is given up: three heartbeats. */
  clientSilenceMs: 45_000,
  /** Characters of a line whose end has not come; beyond it the stream is given up. Above any entry's length. */
  clientLineLengthMax: 64 * 1024 * 1024,

  // HTTP.
  /** A body with messages or an event; of a form all but its files' content. Beyond it 413. */
  bodyBytesMax: 1024 * 1024,
  /** A list of messages' ids (limits.filterIdsMax). Beyond it 413. */
  idsBodyBytesMax: 128 * 1024,
  /** Any other body, that of a new key with 100 chats among them. Beyond it 413. */
  smallBodyBytesMax: 16 * 1024,
  /** The body of a log-in: a key has 256 characters at most. Nobody has shown a key yet. Beyond it 413. */
  sessionBodyBytesMax: 1024,
  /** Fields that the answer to a wrong request names; the caller mends them and sees the rest. */
  fieldErrorsMax: 8,
  /** Characters of what an error says, and of a field's name in it: parts of the request may be quoted in it. */
  errorTextLengthMax: 500,
  /** The files uploaded with one message, all together: Telegram's bound of an upload. Beyond it 413. */
  uploadBytesMax: 50 * 1024 * 1024,
  /** Files of one message: an album of 10, each with a thumbnail and a cover. Beyond it 413. */
  uploadFilesMax: 30,
  /** Fields of a form: the method with most parameters has some 40. Beyond it 413. */
  formFieldsMax: 100,
  /** Files on the disk that wait to be sent, of all messages. Beyond it 503 with Retry-After. */
  uploadsHeldBytesMax: 4 * 1024 * 1024 * 1024,
  /** A call with files may take this much longer: the slowest pace at which they are still sent, bytes a second. */
  uploadBytesPerSMin: 64 * 1024,
  /** A form may take this long to arrive. */
  uploadArrivalMs: 10 * 60_000,
  /** A request that takes longer to arrive is cut off; looked at as often as below. */
  requestArrivalMs: 30_000,
  requestArrivalCheckMs: 5_000,
  /** Connections open at once, streams among them; a further one is closed unheard. Each takes a file descriptor. */
  connectionsMax: 16_000,
  /** Closing waits this long for requests under way, then cuts them off; below shutdownMs. */
  httpCloseMs: 3_000,
  pageSizeMax: 200,
  /** How long a command waits for the process that serves its data folder; then it says so. */
  commandWaitMs: 60_000,
  keysMax: 10_000,
  /** A key's old secret works so long beside a new one, if nobody says otherwise: time to put the new one everywhere. */
  keyOverlapDefaultMs: 3_600_000,
  /** The longest that may be asked for: two secrets are twice as likely to leak. */
  keyOverlapMaxMs: 30 * 24 * 3_600_000,
  /** Types of events that one key names; a key with more is refused. */
  keyEventTypesMax: 100,
  /** Keys that a hint of `keys list` names; the others are counted. */
  keysHintedMax: 5,
  /** Characters of a key's name, for people to tell keys apart; a longer one is refused. */
  keyNameLengthMax: 100,

  // The process.
  /** Restart of a failed actor: doubled from min to max. */
  restartMinMs: 250,
  restartMaxMs: 30_000,
  /** Time for the poller to finish its work when it is asked to stop. */
  drainMs: 2_500,
  /**
   * SIGTERM to exit: above drainMs, httpCloseMs and shutdownRestMs together. What these leave is the outbox's, for the
   * answers to its calls; what has none by then is unknown. At the bound the process ends as it is.
   */
  shutdownMs: 10_000,
  /** The last of it, for closing what is open. */
  shutdownRestMs: 1_000,

  // The sandbox.
  /** Bots (tokens) remembered. Beyond it the one used longest ago is forgotten, with its chats. */
  sandboxBotsMax: 1000,
  /** Updates waiting for one bot: the official server's own figure. Beyond it the oldest is dropped. */
  sandboxQueueUpdatesMax: 100_000,
  /** Characters of them. Beyond it the oldest is dropped too. */
  sandboxQueueLengthMax: 256 * 1024 * 1024,
  /** Telegram keeps an update this long; then it is dropped. */
  sandboxUpdateLifeMs: 24 * 3_600_000,
  /** One answer of getUpdates, as Telegram's; the rest waits for the next poll. */
  sandboxAnswerBytesMax: 4 * 1024 * 1024,
  /** A long poll waits no longer, whatever it asks for. */
  sandboxPollTimeoutMaxS: 50,
  /** Chats of one bot, enough for load tests. Beyond it the oldest chat is forgotten. */
  sandboxChatsMax: 100_000,
  /** Messages of one chat. Beyond it the oldest is forgotten: it is not in the transcript, nor editable. */
  sandboxChatMessagesMax: 1000,
  /** Members of a group that are listed. Beyond it whoever comes writes all the same. */
  sandboxMembersMax: 1000,
  /** Chats that the chat page lists, those written in last; the others come with their next message. */
  sandboxChatsShownMax: 200,
  /** Users that it lists, those made last. */
  sandboxUsersShownMax: 200,
  /** Button presses of one bot. Beyond it, or after this time, the oldest is "too old" to be answered. */
  sandboxCallbacksMax: 10_000,
  sandboxCallbackLifeMs: 15 * 60_000,
  /** Lists of commands of one bot, by scope and language. Beyond it the oldest is forgotten. */
  sandboxCommandListsMax: 1000,
  /** Files of all bots. Beyond it the oldest are forgotten: their file_id is invalid. */
  sandboxFilesBytesMax: 256 * 1024 * 1024,
  /** getFile refuses what is larger, as Telegram does. */
  sandboxDownloadBytesMax: 20 * 1024 * 1024,
  /** A control request with a file of a user's: 10 MiB of it in base64. Read at once, it holds the process up for some 50 ms. Beyond it 413. */
  sandboxFileBodyBytesMax: 14 * 1024 * 1024,
  /** Items of a list in a control request: messages, updates, members. Beyond it 400. */
  sandboxListMax: 2000,
  /** Characters of a text in a control request that is no message's, and of a message's further fields as JSON. Beyond it 400. */
  sandboxFieldLengthMax: 16 * 1024,
  /** Characters of a user as JSON: Telegram's are some 300. Beyond it 400. */
  sandboxUserLengthMax: 1024,
  /** A keyboard as JSON, and what a bot's message holds. Telegram does not tell its own bounds. Beyond it 400. */
  sandboxContentLengthMax: 64 * 1024,
  /** Connections open at once, below what the process may open; a further one is closed unheard. */
  sandboxConnectionsMax: 2000,
  /** Bytes of a text that the parsers of entities are given, whatever it parses to; a longer one is refused. */
  sandboxTextBytesMax: 32_768,
  /** An idle connection is closed. Clients keep theirs between polls: Node's 5 s would close many under a request. */
  sandboxKeepAliveMs: 75_000,
  /** Texts of a machine's examples that the sandbox's page suggests: more would not be read. */
  sandboxExamplesMax: 6,
  /** Readers of one bot's events; the next one gets 429. */
  sandboxReadersMax: 100,
  /** Events that a reader has not taken; beyond it the reader is cut off. */
  sandboxReaderBufferBytes: 1024 * 1024,
  /** Faults waiting at one bot; the next one is refused. */
  sandboxFaultsMax: 100,
  /** A call left without an answer by a fault is cut after this time. */
  sandboxHangMs: 10 * 60_000,
  /** Time for a webhook, or for fetching a file by URL, to answer; then it counts as failed. */
  sandboxWebhookTimeoutMs: 60_000,
  /** Longest waits of a lane whose webhook fails: doubled up to the first, and as much again at random; or its Retry-After. */
  sandboxRetryDelayMaxS: 60,
  sandboxRetryAfterMaxS: 3600,
  /** Bytes of a webhook's answer that are read; a longer one counts as having no method in it. */
  sandboxWebhookAnswerBytesMax: 1024 * 1024,

  // The inspector.
  /** Conversations looked at without other work between, when they are counted: some 2 ms. */
  censusPageMax: 500,
  /** A count rests so many times as long as it worked: it takes a tenth of the time at most. */
  censusRest: 9,
  censusEveryMs: 1000,
  /** Who asks for a count waits so long for one that is under way; then there is the one before, or what was counted so far. */
  censusWaitMs: 150,
  /** State values whose paths are remembered; beyond it all are forgotten, and found again. */
  censusStatesMax: 10_000,
  /** Conversations looked at for one page of those in a state; `next` goes on from there. */
  chatsInStateLooksMax: 20_000,
  /** Steps of one answer; by default a quarter. */
  travelStepsMax: 200,
  /** Characters of the snapshots of one answer's steps; beyond it the answer ends, with one step at least. */
  travelLengthMax: 2 * 1024 * 1024,
  /** Stepping a long life again holds other work up for so long, then rests. */
  travelSliceMs: 10,
  /** An answer that is still on its way by then says so; who asks again goes on from where it is. */
  travelAnswerMs: 2000,
  /** Steps between two places that a life is gone on from; twice as many whenever there are more than the places below. */
  travelPlaceEvery: 256,
  travelPlacesMax: 64,
  /** Steps more than needed that are gone again so that a page is full; where there are more it is not. */
  travelDetourMax: 4096,
  /** Conversations whose places are remembered; beyond it those looked at longest ago are forgotten. */
  travelledMax: 16,
  /** The feed gathers for so long: whoever looks sees it at once, and what comes often is one item with a count. */
  feedMomentMs: 200,
  /** Kinds of events and states in one moment, far above what the live actors have; beyond it they are counted. */
  feedKindsMax: 200,
  /** Steps of one followed chat in one moment; beyond it they are counted. */
  feedChatStepsMax: 20,
  /** The same, of all other chats together, for those who ask for some of any. */
  feedSampledStepsMax: 10,
  /** Characters of a snapshot whose context is told whole; of a longer one it is shortened. */
  feedContextLengthMax: 16 * 1024,
  /** Actors that a receiver of Stately's protocol is taken to know; beyond it the oldest chat is made known anew when it comes again. */
  feedSampledActorsMax: 500,
  /** Actors that one reader of the feed asks for. */
  feedActorsMax: 32,
  /** Readers of the feed, pages and tools together; the next one gets 503 with Retry-After. */
  feedReadersMax: 16,
  /** Bytes of the feed that a socket has not taken; beyond it it is cut off: whoever comes again begins with how all stands. */
  feedBufferBytes: 1024 * 1024,
  /** A message from a receiver of the feed, which has nothing to say; a larger one closes its socket. */
  feedMessageBytesMax: 1024,

  // The console.
  /** Entries that its index takes in at once, some 20 ms of its own thread. */
  consoleBatchEntries: 1000,
  /** Its thread rests as many times as long as it worked: whoever takes updates in wants the processor more. */
  consoleRest: 1,
  /** An index that is so many entries behind begins with the newest, and takes in the rest by and by. */
  consoleTailMax: 20_000,
  /** Nobody has looked for so long: the index rests, and catches up when somebody does. */
  consoleIdleMs: 10 * 60_000,
  /** What retention took is taken out of the index's file at once, and then as often, or after so many times the time that it took: it writes the words anew. */
  consoleTidyEveryMs: 3_600_000,
  consoleTidyRest: 200,
  /** Pages of the words that are written anew between two questions, some 10 ms of its own thread. */
  consoleTidyPages: 16,
  /** Chats of a page that are asked for by their ids, of those that have changed. */
  consoleChatsMax: 200,
  /** Lines of one page of a transcript. */
  consoleLinesMax: 200,
  /** Hits of one search; `before` goes on. */
  consoleHitsMax: 50,
  /** Characters of a search: words beyond it are left out. */
  consoleSearchLengthMax: 200,
  /** Characters of a text that are searched and shown in a list; Telegram's own texts are shorter. */
  consoleTextLengthMax: 8192,
  consolePreviewLengthMax: 160,
  /** Unread messages of a chat that are counted; beyond it there is a plus. */
  consoleUnreadMax: 99,
  /** Questions to the index under way; the next one is refused as overloaded. */
  consoleAsksMax: 200,
  /** Chats that a key has read up to a place; beyond it those read longest ago are as read as when the key came first. */
  consoleMarksMax: 10_000,
  /** A thread of the index that failed is started again at the next look, at the earliest after this time. */
  consoleRestartMs: 1000,
  /** An index that is found damaged is made anew, and once more only after this time: until then the console is refused. */
  consoleAnewMs: 60_000,

  // The log.
  /** Characters of one text in a log line or an error on stderr; the rest of it is left out. */
  logTextMax: 4096,
  /** Levels of a log line's fields; what is deeper is left out. */
  logDepthMax: 5,
  /** Texts of a call that are looked for in Telegram's answer before that is logged. */
  logEchoesMax: 500,

  // The audit log.
  /** Entries are kept so long: a year, and a month to look at it. */
  auditAgeMs: 400 * 86_400_000,
  /** Entries of what admins did, some 30 MB. */
  auditMax: 100_000,
  /** Entries of log-ins, refusals and what writers cancel: they have room of their own, so that they crowd out no admin's. */
  auditFrequentMax: 20_000,
  /** Entries until what is too old or too many is taken away. */
  auditTrimEvery: 100,
  /** Log-ins and refusals of one source are one entry in so long, with a count. */
  auditCountMs: 60_000,
  /** Sources that are told apart meanwhile; the others are one, so that many addresses fill no disk. */
  auditSourcesMax: 60,
  /** Characters of a setting's value that are shown. */
  auditValueMax: 200,

  // doctor --live.
  /** The owner has so long to write a word or press a button; then that fact stays unclear. */
  liveAskMs: 120_000,
  /** Seconds that one look for what the owner does lasts. */
  livePollS: 5,
  /** A 429 is waited out up to this; with a longer one that fact stays unclear. */
  liveWaitMs: 60_000,

  // The pages.
  /** A log-in that nobody used for so long ends: a working day, so that a browser left open overnight is logged out. */
  sessionIdleMs: 12 * 3_600_000,
  /** A log-in ends after so long, however much it is used; then the key is asked for again. */
  sessionAgeMaxMs: 30 * 24 * 3_600_000,
  /** Log-ins of one key: a team that shares one. At the bound the one that was not used for longest ends. */
  sessionsPerKeyMax: 100,
  /** Log-ins of a key a second, and at once. Each is written to the disk: many of one key would hold up whatever else is. */
  keyLogInsPerS: 1,
  keyLogInsBurst: 50,
  /** The time of the last use is stored this often: a restart forgets as much of it. */
  sessionNoteMs: 5 * 60_000,
  /** Sessions that are over are looked for at this interval, to close their streams. */
  sessionWatchMs: 10 * 60_000,
  /** Cookies of one name that are looked at; another port can plant as many as a header holds. */
  cookiesOfNameMax: 20,
} as const;
