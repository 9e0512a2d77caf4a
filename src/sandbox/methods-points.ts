import type { Message } from '@grammyjs/types';
import { badRequest } from './api-error.ts';
import type { Call, Method } from './call.ts';
import type { Fields } from './fields.ts';
import { send } from './methods-send.ts';

/** Places and people. */
export const POINT_METHODS = { sendLocation, sendContact } satisfies Record<string, Method>;

function sendLocation(call: Call): Message {
  const { params } = call;
  const degrees = (name: string, max: number): number => {
    const given = params.text(name).trim();
    if (given === '') throw badRequest(`${name} is empty`);
    const value = Number(given);
    if (!(Math.abs(value) <= max)) throw badRequest('Wrong location specified');
    return value;
  };
  const location = { latitude: degrees('latitude', 90), longitude: degrees('longitude', 180) };
  const live: Fields = Object.fromEntries(
    ['live_period', 'heading', 'proximity_alert_radius']
      .map((name) => [name, params.integer(name, 0)] as const)
      .filter(([, value]) => value !== 0),
  );
  const accuracy = Number(params.text('horizontal_accuracy'));
  return send(call, {
    location: { ...location, ...(accuracy > 0 ? { horizontal_accuracy: accuracy } : {}), ...live },
  });
}

function sendContact(call: Call): Message {
  const { params } = call;
  const phone_number = params.text('phone_number');
  const first_name = params.text('first_name');
  if (phone_number === '') throw badRequest('phone number is empty');
  if (first_name === '') throw badRequest('first name is empty');
  const others = ['last_name', 'vcard'].filter((name) => params.text(name) !== '');
  const more: Fields = Object.fromEntries(others.map((name) => [name, params.text(name)]));
  return send(call, { contact: { phone_number, first_name, ...more } });
}
