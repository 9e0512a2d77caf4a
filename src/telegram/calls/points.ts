import { Type } from 'typebox';
import { bytes, call, integer, Single, text } from './parts.ts';

/** "For ever", of a live location. */
const ENDLESS = 0x7fffffff;

/** Places and people. */
export const POINT_CALLS = {
  sendLocation: call(
    'A place',
    {
      ...Single,
      latitude: Type.Number({ minimum: -90, maximum: 90 }),
      longitude: Type.Number({ minimum: -180, maximum: 180 }),
      horizontal_accuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 1500, description: 'Metres' })),
      live_period: Type.Optional(
        Type.Union([Type.Integer({ minimum: 60, maximum: 86_400 }), Type.Literal(ENDLESS), Type.Literal(0)], {
          description: `Seconds for which it is kept up to date: 60 to 86400, or ${ENDLESS} for ever`,
        }),
      ),
      heading: integer(1, 360, 'Degrees'),
      proximity_alert_radius: integer(1, 100_000, 'Metres'),
    },
    { chat_id: 777, latitude: 52.5163, longitude: 13.3777 },
  ),
  sendContact: call(
    'A person',
    {
      ...Single,
      phone_number: text(1, 64, 'The number'),
      first_name: text(1, 256, 'The first name'),
      last_name: Type.Optional(text(0, 256, 'The last name')),
      vcard: Type.Optional(bytes(0, 2048, 'A vCard')),
    },
    { chat_id: 777, phone_number: '+4930123456', first_name: 'Support' },
  ),
};
