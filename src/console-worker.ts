import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import { createIndexing } from './console/indexing.ts';
import { openConsoleStore } from './console/sqlite.ts';
import { createAnswers } from './console/sqlite-answers.ts';
import { createSqliteReadMarks } from './console/sqlite-marks.ts';
import { openConsoleDb } from './console/sqlite-open.ts';
import { runConsoleThread } from './console/thread.ts';
import { explaining, inOurWords } from './journal/explaining.ts';
import { openSqliteFollower } from './journal/sqlite-follower.ts';
import { openReader } from './journal/sqlite-open.ts';

/** The composition root of the console's thread: `main.ts` starts it with the data folder, the bot, and whether to begin anew. */
if (parentPort === null) throw new Error('This is a thread of Switchboard, and no command');
const { folder, bot, anew } = Object(workerData);
const follower = openSqliteFollower(String(folder), String(bot));
const db = openConsoleDb(String(folder), anew === true);
const indexing = createIndexing(follower, openConsoleStore(db), systemClock);
const marks = explaining(createSqliteReadMarks(openReader(String(folder))), inOurWords);
const answers = createAnswers({ db, follower, marks, progress: indexing.progress });
runConsoleThread({ port: parentPort, indexing, answers, clock: systemClock });
