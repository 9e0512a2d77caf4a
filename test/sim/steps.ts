import { buttonUnder } from './plain-chatter.ts';
import type { Op } from './script.ts';
import type { World } from './world.ts';

/** A step of the script. */
export function perform(world: World, op: Op): void {
  world.trace(`script: ${JSON.stringify(op)}`);
  switch (op.do) {
    case 'write':
      world.telegram.add({ message: { ...personIn(world, op.user, op.chat), text: op.text } });
      return;
    case 'press': {
      const { chat, ...pressed } = personIn(world, op.user, op.chat);
      const { message_id, data } = pressIn(world, op);
      world.telegram.add({
        callback_query: { ...pressed, id: `q ${op.data}`, data, message: { message_id, chat } },
      });
      return;
    }
    case 'other':
      world.telegram.add(otherUpdate(world, op));
      return;
    case 'post':
      world.aggregator.post(op);
      return;
    case 'note':
      world.aggregator.note(op.n, op.conversation);
      return;
    case 'cancel':
      world.aggregator.cancel(op.n);
      return;
    case 'resolve':
      world.aggregator.resolve(op.as);
      return;
    case 'connect':
    case 'leave':
    case 'stall':
    case 'take':
      read(world, op.do, op.operator);
      return;
    case 'call fault':
      world.telegram.callFaults.push(op.kind);
      return;
    case 'poll fault':
      world.telegram.pollFaults.push(op.kind);
      return;
    case 'disk fault':
      world.trouble.armDisk(op.kind, op.nth, op.times);
      return;
    case 'backend fault':
      world.backend.faults.push(op.kind);
      return;
    case 'outage': {
      const until = world.time.now + op.ms;
      if (op.of === 'disk') world.trouble.fillDisk(until);
      else if (op.of === 'lock') world.trouble.lockDatabase(until);
      else world[op.of].outageUntil = until;
      return;
    }
    case 'repeat':
      world.telegram.repeat(op.count);
      return;
    case 'block':
      world.telegram.block(op.chat);
      return;
    case 'clock':
      world.setClock(op.byMs);
      return;
    case 'crash':
      world.trouble.armCrash(op);
      return;
    case 'stop':
      world.stop(op.downMs);
      return;
    case 'takeover':
      world.takeOver(op.lingersMs);
      return;
    case 'deploy':
      world.deploy({ version: op.version, mended: op.mended }, op.downMs);
      return;
    case 'retry':
      for (const id of world.ledger.quarantined) world.technician.retry(id);
      return;
    case 'migrate':
      world.telegram.migrate(op.n);
      return;
    case 'week':
      throw new TypeError('A week is not a step in it');
  }
}

/** What a user presses: one of the last buttons that the chat shows. In every other press another message may claim to carry it. */
function pressIn(world: World, { chat, data }: Extract<Op, { readonly do: 'press' }>) {
  const n = Number(/\d+/.exec(data)?.[0] ?? 0);
  const shown = world.telegram.shownIn(chat);
  const pressed = shown.filter(({ buttons }) => buttons.length > 0).at(-1 - (n % 3));
  if (pressed === undefined) return { message_id: 1, data: buttonUnder(data) };
  // While a message's id is not known, nobody can tell that a press comes from another.
  const isKnown = (world.ledger.messageOf(pressed.text)?.telegramMessageId ?? null) !== null;
  const other = n % 2 === 0 && isKnown ? shown.at(-1 - (n % 5)) : undefined;
  return { message_id: (other ?? pressed).messageId, data: pressed.buttons[0] ?? '' };
}

function personIn(world: World, user: number, chat: number) {
  const from = { id: user, is_bot: false, first_name: 'Ann' };
  return { message_id: 1, date: Math.floor(world.time.wall / 1000), chat: world.telegram.chat(chat), from };
}

function otherUpdate(world: World, { kind, chat, user, n }: Extract<Op, { readonly do: 'other' }>) {
  const person = personIn(world, user, chat);
  switch (kind) {
    case 'edit':
      return { edited_message: { ...person, text: `edit #${n}` } };
    case 'blocks':
    case 'unblocks':
      return {
        my_chat_member: { ...person, new_chat_member: { status: kind === 'blocks' ? 'kicked' : 'member' }, n: `#${n}` },
      };
    case 'poll':
      return { poll: { id: `#${n}`, question: 'Which?' } };
    case 'unheard of':
      return { something_new: { ...person, n: `#${n}` } };
  }
}

function read(world: World, what: 'connect' | 'leave' | 'stall' | 'take', index: number): void {
  const operator = world.operators[index];
  if (operator === undefined) return;
  if (what === 'stall') operator.stall();
  else if (what === 'take') operator.take();
  else if (what === 'leave') operator.goAway();
  else {
    operator.wants = true;
    if (world.serving !== null) operator.connect(world.serving.system.operators);
  }
}
