import { Type } from 'typebox';
import { limits } from '../limits.ts';
import type { Params } from './rules.ts';

/**
 * The parameters that Switchboard knows, and the names of the others. A parameter that Telegram adds tomorrow may name a chat:
 * a key for certain chats must not name one by it that nobody has looked at (I7). So it is in `reply_parameters` too.
 */
export function knownParams(
  schema: Type.TObject,
  params: Params,
): { readonly known: Record<string, unknown>; readonly dropped: string[] } {
  const dropped = Object.keys(params).filter((name) => !Object.hasOwn(schema.properties, name));
  const known = Object.fromEntries(Object.entries(params).filter(([name]) => !dropped.includes(name)));
  const reply = schema.properties.reply_parameters;
  const given = known.reply_parameters;
  if (reply === undefined || !Type.IsObject(reply) || typeof given !== 'object' || given === null) {
    return { known, dropped };
  }
  const within = knownParams(reply, { ...given });
  dropped.push(...within.dropped.map((name) => `reply_parameters/${name}`));
  return { known: { ...known, reply_parameters: within.known }, dropped };
}

/** Tells the log of a dropped parameter once for each key and name, up to limits.droppedNamesMax of them. */
export function createDroppedLog(log: { warn(fields: object, message: string): void }) {
  const told = new Set<string>();
  return (keyId: string, name: string): void => {
    const parameter = name.slice(0, limits.droppedNameLengthMax);
    const place = `${keyId} ${parameter}`;
    if (told.has(place) || told.size >= limits.droppedNamesMax) return;
    told.add(place);
    const why =
      'Switchboard does not know this parameter: a key for certain chats may not pass it on, so it was dropped';
    log.warn({ event: 'parameter_dropped', key_id: keyId, parameter }, why);
  };
}
