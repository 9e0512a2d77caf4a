import { BODY_BOUNDS } from '../bounded-input.ts';
import { SwitchboardError } from '../errors.ts';
import { type Bot, enqueue, wants } from './bots.ts';
import { jsonIn, readList } from './control-body.ts';
import { type Fields, integerOf, isFields } from './fields.ts';

/**
 * Puts updates in the bot's queue as they are: one Update, byte for byte, or an array of them.
 * Without `update_id` the next one is put in. Kinds that `allowed_updates` leaves out stay out; unknown kinds go in.
 * Gives the ids; null for what was left out. Throws SwitchboardError.
 */
export function injectUpdates(bot: Bot, body: Buffer): { readonly update_ids: readonly (number | null)[] } {
  const given = jsonIn(body, BODY_BOUNDS);
  if (!Array.isArray(given)) return { update_ids: [inject(bot, given, body.toString().trim())] };
  return { update_ids: readList(given, '').map((update) => inject(bot, update, JSON.stringify(update))) };
}

function inject(bot: Bot, update: unknown, text: string): number | null {
  if (!isFields(update)) throw new SwitchboardError('body_malformed', 'An update must be a JSON object');
  const kind = Object.keys(update).find((name) => name !== 'update_id') ?? '';
  if (!wants(bot, kind)) return null;
  if (update.update_id === undefined) {
    const rest = text.slice(1).trimStart();
    const comma = rest.startsWith('}') ? '' : ',';
    return enqueue(bot, laneOf(update[kind]), (id) => `{"update_id":${id}${comma}${rest}`);
  }
  const id = integerOf(update.update_id);
  if (id === undefined) {
    throw new SwitchboardError('request_invalid', '/update_id must be a whole number', { field: '/update_id' });
  }
  return enqueue(bot, laneOf(update[kind]), () => text, id);
}

/** The chat that an update is about, or the user, so that a webhook gets them in order. */
function laneOf(content: unknown): string {
  const fields: Fields = isFields(content) ? content : {};
  const message = isFields(fields.message) ? fields.message : fields;
  const owner = [message.chat, fields.from, fields.user].find(isFields);
  return owner === undefined ? 'none' : String(owner.id);
}
