import type { Entry } from '../../src/journal/journal.ts';
import { entryText } from '../../src/operators/operators.ts';
import type { World } from './world.ts';

/** After the last step everything must have come to its end within this time. */
const CALM_MAX_MS = 20 * 60_000;
const SLICE_MS = 15_000;

/** Nothing goes wrong any more: what is under way comes to its end, and every operator reads on. */
export async function settle(world: World): Promise<void> {
  const { time, broken } = world;
  world.becomeCalm();
  world.disconnectAll();
  // A clock that is wrong holds up what is to happen at a time, and nothing else.
  await waitFor(world, async () => (world.latestShown > 0 ? undated(world) : []));
  if (broken()) return;
  world.setClock(Math.max(0, world.latestShown - time.wall));
  await comeToRest(world);
  if (broken()) return;
  if (world.ledger.quarantined.length > 0) {
    // What stands still goes on once its machine has been mended, if it fits.
    world.deploy({ version: world.script.mendedIn ?? world.release.version, mended: true }, 0);
    await time.run(time.now + SLICE_MS, broken);
    for (const id of world.ledger.quarantined) world.technician.retry(id);
    await comeToRest(world);
    const still = [...world.ledger.talks].filter(([, talk]) => talk.quarantined && talk.fits);
    for (const [id] of still) world.violate('liveness', `${id} stands still, and nothing is wrong with it any more`);
  }
  if (broken()) return;
  world.connectAll();
  await time.run(time.now + 5000, broken);
}

const comeToRest = (world: World): Promise<void> => waitFor(world, () => unsettled(world));

/** Until nothing is left. */
async function waitFor(world: World, left: () => Promise<string[]>): Promise<void> {
  const { time, broken } = world;
  // A poll whose request was lost may be waited for first.
  const end = time.now + CALM_MAX_MS + world.script.pollTimeoutS * 1000;
  while (time.now < end && !broken()) {
    await time.run(time.now + SLICE_MS, broken);
    if ((await left()).length === 0) break;
  }
  if (broken()) return;
  for (const what of await left()) world.violate('liveness', what);
}

/** Messages without a fate that wait for no time of the wall clock's. */
function undated({ ledger, aggregator, time }: World): string[] {
  const open = [...ledger.messages.values()].filter(({ text, fates }) => {
    const post = aggregator.posts.find((one) => one.text === text);
    return fates.length === 0 && (post?.sendAt ?? 0) <= time.wall;
  });
  return open.map(({ text }) => `"${text}" has no fate, whatever the clock shows`);
}

/** What has not come to its end. */
async function unsettled(world: World): Promise<string[]> {
  const { serving, telegram, ledger, aggregator } = world;
  if (serving === null) return ['no process serves'];
  const { journal } = serving;
  const left: string[] = [];
  if (!telegram.idle) left.push('Telegram has updates that nobody takes');
  for (const what of ledger.waiting) left.push(`somebody waits: ${what}`);
  const open = [...ledger.messages.values()].filter(({ fates }) => fates.length === 0);
  for (const { text } of open) left.push(`"${text}" has no fate`);
  if ((await journal.outboxDepth()) > 0) left.push('messages wait in the outbox');
  if ((await journal.nextTimerAt()) !== null) left.push('a timer is set');
  if ((await journal.openRequestCount()) > 0) left.push('a request is open');
  for (const { text, id, refused } of aggregator.posts) {
    if (id === null && refused === null) left.push(`${text} is not answered`);
  }
  for (const [note, seq] of aggregator.notes) if (seq === null) left.push(`${note} is not answered`);
  return left;
}

/** What users have, what operators have, and what the journal holds are the same. */
export async function checkEnd(world: World): Promise<void> {
  const { ledger, telegram, journalled, aggregator } = world;
  ledger.settle();
  // I1, I2: each update once, untouched, in Telegram's order.
  const [took, sent] = [ledger.updates, telegram.written].map((updates) =>
    updates.map((update) => JSON.stringify(update)),
  );
  compare(world, 'I2', 'the updates', took ?? [], sent ?? []);
  for (const [note, seq] of aggregator.notes) {
    if (ledger.notes.get(note) !== seq)
      world.violate('I2', `${note} was answered as ${seq}, and is ${ledger.notes.get(note)}`);
  }
  for (const operator of world.operators) {
    const { chats, types } = operator.filter;
    const wanted = journalled
      .filter(({ seq }) => !operator.misses(seq))
      .filter(({ chat }) => chats === null || (chat !== null && chats.includes(chat)))
      .filter(({ type }) => types === null || types.includes(type))
      .map(entryText);
    compare(world, 'I4', `what ${operator.name} has`, operator.has, wanted);
  }
  checkMessages(world);
  await checkConversations(world);
  const { journal } = world.serving ?? {};
  const kept = journalled.slice((journal?.bounds().first ?? 1) - 1);
  const stored: Entry[] = [];
  for (let page: Entry[] | null = null; page === null || page.length > 0; ) {
    page = (await journal?.read({ from: (stored.at(-1)?.seq ?? 0) + 1, limit: 1000 })) ?? [];
    stored.push(...page);
  }
  compare(world, 'journal', 'the entries', stored.map(entryText), kept.map(entryText));
}

/** Every conversation is stored as the model has it, and beside it what it has not taken. */
async function checkConversations(world: World): Promise<void> {
  const held: string[] = [];
  const still: string[] = [];
  for (const [id, talk] of world.ledger.talks) {
    for (const { seq } of talk.held) held.push(`${id} ${seq}`);
    if (talk.quarantined) still.push(id);
    if (!talk.begun) continue;
    const { heard, last, state, version, quarantined, value, runs } = talk;
    const record = await world.serving?.journal.conversation(id);
    const { context } = JSON.parse(record?.snapshot ?? '{}') ?? {};
    const status = quarantined ? 'quarantined' : runs ? 'active' : 'done';
    const [is, wanted] = [
      [record?.status, record?.state, ...(context === undefined ? [] : [record?.version, context.heard, context.last])],
      [status, value, ...(state === 'none' ? [] : [version, heard, last])],
    ].map((fields) => JSON.stringify(fields));
    if (is !== wanted) world.violate('I3', `${id} is stored as ${is}, and should be ${wanted}`);
  }
  const rows = (sql: string) => world.disk.reader.prepare(sql).all();
  const holds = rows('SELECT conversation, seq FROM held_events').map((row) => `${row.conversation} ${row.seq}`);
  const stand = rows('SELECT conversation FROM quarantined').map(({ conversation }) => String(conversation));
  compare(world, 'I8', 'what is held', holds.sort(), held.sort());
  compare(world, 'I8', 'who stands still', stand.sort(), still.sort());
}

function checkMessages(world: World): void {
  const { ledger, telegram, aggregator } = world;
  for (const posted of aggregator.posts) {
    const told = ledger.messageOf(posted.text);
    if (posted.id !== null && told?.id !== posted.id) {
      world.violate('I2', `${posted.text} was answered as ${posted.id}, and is ${told?.id}`);
    }
    if (posted.canceled && told?.fates.at(-1) !== 'canceled') {
      world.violate('I5', `${posted.text} was canceled, and then ${told?.fates.at(-1)}`);
    }
  }
  for (const { text, fates, telegramMessageId } of ledger.messages.values()) {
    const shown = telegram.shown.get(text) ?? [];
    const unknown = fates.filter((fate) => fate === 'unknown').length;
    const last = fates.at(-1);
    const least = last === 'sent' && telegramMessageId !== null ? 1 : 0;
    const most = unknown + (last === 'sent' ? 1 : 0);
    if (shown.length < least || shown.length > most) {
      world.violate('I5', `"${text}" is ${fates.join(', ')}, and reached its user ${shown.length} times`);
    }
    if (telegramMessageId !== null && !shown.some(({ messageId }) => messageId === telegramMessageId)) {
      world.violate('I5', `"${text}" is told to be message ${telegramMessageId}, which nobody has`);
    }
    const ended = fates.filter((fate) => fate !== 'unknown');
    if (ended.length > 1) world.violate('I5', `"${text}" has more than one fate: ${fates.join(', ')}`);
    const calls = telegram.calls.get(text) ?? [];
    if (unknown > 0 && world.deaths === 0 && calls.every(({ answered }) => answered)) {
      world.violate('I5', `"${text}" is unknown, and each of its calls was answered`);
    }
  }
}

function compare(
  world: World,
  invariant: string,
  what: string,
  has: readonly string[],
  wanted: readonly string[],
): void {
  for (let i = 0; i < Math.max(has.length, wanted.length); i += 1) {
    if (has[i] === wanted[i]) continue;
    world.violate(invariant, `${what}: at place ${i} there is ${has[i]}, and should be ${wanted[i]}`);
    return;
  }
}
