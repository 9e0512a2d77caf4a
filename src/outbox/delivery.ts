import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { SwitchboardError } from '../errors.ts';
import { limits } from '../limits.ts';

const PRIORITIES = ['high', 'normal', 'low'] as const;

/** How a message is to be delivered. Times are ISO 8601. */
export const DeliverySchema = Type.Object(
  {
    send_at: Type.Optional(Type.String({ format: 'date-time', description: 'Not before this time' })),
    expires_at: Type.Optional(Type.String({ format: 'date-time', description: 'Not after this time' })),
    priority: Type.Optional(
      Type.Enum([...PRIORITIES], { description: 'Within a chat and over all; normal by default' }),
    ),
    on_unknown: Type.Optional(
      Type.Enum(['hold', 'resend'], { description: 'Once its answer was lost: ask somebody (hold), or risk a double' }),
    ),
    order: Type.Optional(
      Type.Enum(['chat', 'free'], { description: 'free: it neither waits for others of its chat nor holds them up' }),
    ),
  },
  { additionalProperties: false, description: 'How it is to be delivered' },
);
const Delivery = Compile(DeliverySchema);

const invalid = (field: string, message: string) => new SwitchboardError('request_invalid', message, { field });

/** When and how a message is to be sent. Times are ms since 1970. */
export interface DeliveryWish {
  /** 0 high, 1 normal, 2 low. */
  readonly priority: number;
  /** Not to be sent before; null: at once. */
  readonly sendAt: number | null;
  readonly expiresAt: number | null;
  readonly onUnknown: 'hold' | 'resend';
  /** `free`: it neither waits for the chat's other messages nor holds them up. By default `chat`: in order. */
  readonly order?: 'chat' | 'free';
}

/** Reads `delivery`. Throws request_invalid, naming the field. */
export function parseDelivery(delivery: unknown, now: number): DeliveryWish {
  if (!Delivery.Check(delivery)) {
    const field = `delivery${wrongField(delivery)}`;
    throw invalid(
      field,
      `${field}: delivery takes send_at, expires_at, priority (${PRIORITIES.join(', ')}), on_unknown (hold, resend), order (chat, free)`,
    );
  }
  const sendAt = timeOf('delivery/send_at', delivery.send_at);
  const expiresAt = timeOf('delivery/expires_at', delivery.expires_at);
  if (sendAt !== null && sendAt - now > limits.scheduleAheadMaxMs) {
    throw invalid('delivery/send_at', 'send_at lies more than a year ahead');
  }
  if (expiresAt !== null && expiresAt <= Math.max(now, sendAt ?? now)) {
    throw invalid('delivery/expires_at', 'expires_at must lie after send_at and after now');
  }
  const priority = PRIORITIES.indexOf(delivery.priority ?? 'normal');
  return { priority, sendAt, expiresAt, onUnknown: delivery.on_unknown ?? 'hold', order: delivery.order ?? 'chat' };
}

/** The path of the first field that is wrong or unknown; empty where `delivery` is no object. */
function wrongField(delivery: unknown): string {
  const [first] = Delivery.Errors(delivery);
  if (typeof delivery !== 'object' || delivery === null || first?.instancePath !== '') return first?.instancePath ?? '';
  const unknown = Object.keys(delivery).find((name) => !Object.hasOwn(DeliverySchema.properties, name));
  return unknown === undefined ? '' : `/${unknown}`;
}

function timeOf(field: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  const at = /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:?\d{2})$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalid(field, `${field} must be a time such as 2026-01-01T00:00:00Z`);
  return at;
}
