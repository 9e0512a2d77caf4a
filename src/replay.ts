import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { chatOfConversation } from './conversations/conversations.ts';
import { fileThatRuns, loadStepper } from './conversations/files.ts';
import { fixtureHead, fixtureLine } from './conversations/fixture.ts';
import { type ReplayedNote, type ReplayedStep, replay } from './conversations/replay.ts';
import type { PerOf } from './conversations/routing.ts';
import type { Stepper } from './conversations/step.ts';
import type { JournalReader } from './journal/journal.ts';
import { openSqliteReader } from './journal/sqlite-reader.ts';
import { limits } from './limits.ts';
import { botOfToken, SANDBOX_TOKEN } from './telegram/telegram.ts';
import { chatKindOf } from './telegram/update.ts';
import { joinChatIds, parse, UsageError } from './usage.ts';

const MACHINES = join(import.meta.dirname, '..', 'machines');

/** `switchboard replay --chat ID [--machine FILE] [--save FILE]`. Returns the exit code. */
export async function replayCommand(
  args: readonly string[],
  settings: Settings,
  print: Replay['print'],
  progress: Replay['progress'],
): Promise<number> {
  const { values } = parse({
    args: joinChatIds(args, 'chat'),
    options: { chat: { type: 'string' }, machine: { type: 'string' }, save: { type: 'string' } },
  });
  const { chat: conversation, machine: file, save = null } = values;
  const chat = conversation === undefined ? null : chatOfConversation(conversation);
  if (conversation === undefined || chat === null) {
    throw new UsageError('replay needs --chat ID: a chat id, as 777 or -100777:u5');
  }
  const bot = botOfToken(settings.telegram.token ?? SANDBOX_TOKEN) ?? '';
  const journal = openSqliteReader(settings.data, bot);
  try {
    const chosen = settings.conversations[chatKindOf(undefined, Number(chat))]?.machine;
    const record = await journal.conversation(conversation);
    const { machine = chosen, version = '' } = record ?? {};
    const path = file ?? (machine && fileThatRuns(MACHINES, { machine, version }, settings.machines[machine]?.unfit));
    if (path === undefined) throw new UsageError('no machine runs this chat: give --machine FILE');
    const stepper = await loadStepper(resolve(path));
    const perOf: PerOf = (kind) => settings.conversations[kind]?.per ?? 'chat';
    const steps = await replayChat({ journal, conversation, chat, stepper, perOf, save, print, progress });
    if (steps === 0) throw new Error(`the journal has nothing that ${conversation} could have taken`);
    return 0;
  } finally {
    journal.close();
  }
}

export interface Replay {
  readonly journal: JournalReader;
  readonly conversation: string;
  readonly chat: string;
  readonly stepper: Stepper;
  readonly perOf: PerOf;
  /** The fixture to write, a file that is not there yet, once there is a step; null: none. */
  readonly save: string | null;
  /** Resolves once more can be taken. */
  readonly print: (text: string) => Promise<void>;
  readonly progress: (done: number) => void;
}

/**
 * Prints what each event of the chat's journal comes to with the machine, `!` before what departs
 * from what happened, and a last line that counts. Returns how many events were stepped.
 */
export async function replayChat(command: Replay): Promise<number> {
  const { journal, stepper, save, print, progress } = command;
  const out = inChunks(print);
  let file: Lines | null = null;
  let read = 0;
  let steps = 0;
  let sends = 0;
  let departures = 0;
  const onRead = (): void => {
    read += 1;
    progress(read);
  };
  for await (const replayed of replay({ ...command, onRead })) {
    if (replayed.kind === 'step') {
      steps += 1;
      if (save !== null && file === null) {
        file = await fixtureFile(save);
        await file.line(`${fixtureHead(stepper, journal.bot)}\n`);
      }
      sends += replayed.told.filter(({ type }) => type === 'message.accepted').length;
    }
    if (replayed.departs) departures += 1;
    await out.line(textOf(replayed));
    const line = file === null ? null : fixtureLine(replayed);
    if (line !== null) await file?.line(`${line}\n`);
  }
  await file?.end();
  const where = `${stepper.name} ${stepper.version}`;
  const ends = departures === 0 ? 'as it happened' : `departs from what happened ${departures} times, marked !`;
  if (steps > 0) await out.line(`${where}: ${steps} events, ${sends} would-be sends; ${ends}\n`);
  await out.end();
  return steps;
}

/** A line an event, and one for each thing that comes of it. Whatever users wrote is JSON, and cannot steer a terminal. */
function textOf(replayed: ReplayedStep | ReplayedNote): string {
  const { seq, at, departs } = replayed;
  const mark = departs ? '!' : ' ';
  const when = at === 0 ? '' : `${new Date(at).toISOString()}  `;
  const head = `${mark}${(Number.isInteger(seq) && seq > 0 ? String(seq) : '').padStart(9)}  ${when}`;
  if (replayed.kind === 'note') return safe(`${head}${replayed.text}\n`);
  const { cause, event, from, to, told, timers, requests, happened } = replayed;
  const lines = [
    `${head}${cause} ${JSON.stringify(event)}`,
    ...(from === to ? [] : [`${mark}           ${from ?? 'not begun'} -> ${to}`]),
    ...told.flatMap((what) => (what.type === 'chat.moved' ? [] : [`${mark}           ${wordsOf(what)}`])),
    ...timers.map(({ id, dueAt }) => `${mark}           sets the timer ${id} for ${new Date(dueAt).toISOString()}`),
    ...requests.map(({ src, input }) => `${mark}           would ask ${src} ${input}`),
    ...(departs ? [`!           then: ${happened.map(happenedOf).join('; ') || 'nothing came of it'}`] : []),
  ];
  return safe(`${lines.join('\n')}\n`);
}

function wordsOf(what: ReplayedStep['told'][number]): string {
  switch (what.type) {
    case 'message.accepted':
      return `would send ${what.method} ${JSON.stringify(what.params)}`;
    case 'chat.emitted':
      return `tells operators ${JSON.stringify(what.event)}`;
    case 'chat.moved':
      return `${JSON.stringify(what.from)} -> ${JSON.stringify(what.to)}`;
    case 'chat.quarantined':
      return `fails: ${what.error}`;
  }
}

const happenedOf = (what: ReplayedStep['told'][number]): string => wordsOf(what).replace('would send', 'sent');

/** JSON escapes the lower control characters; these are the upper ones, and what an error's text may hold. */
const safe = (text: string): string =>
  text.replace(CONTROL, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
const CONTROL = /[\p{Cc}--\n]/gv;

/** Lines on their way to a file or a terminal. */
interface Lines {
  line(text: string): Promise<void>;
  end(): Promise<void>;
}

/** Gathers lines: a call for each would be most of what a long replay costs. */
function inChunks(write: (text: string) => Promise<void>): Lines {
  let gathered = '';
  const flush = async (): Promise<void> => {
    const text = gathered;
    gathered = '';
    if (text !== '') await write(text);
  };
  return {
    async line(text) {
      gathered += text;
      if (gathered.length >= limits.printedChunkLength) await flush();
    },
    end: flush,
  };
}

/** Throws where the file is there already. */
async function fixtureFile(path: string): Promise<Lines> {
  const stream: WriteStream = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  await once(stream, 'open');
  const lines = inChunks(async (text) => {
    if (!stream.write(text)) await once(stream, 'drain');
  });
  return {
    line: lines.line,
    async end() {
      await lines.end();
      stream.end();
      await once(stream, 'close');
    },
  };
}
