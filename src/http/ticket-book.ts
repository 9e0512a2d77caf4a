import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../clock.ts';
import { SwitchboardError } from '../errors.ts';
import type { Key } from '../keys/keys.ts';
import { limits } from '../limits.ts';

/**
 * Tickets stand in for a key where a browser can only give an address: EventSource sends no headers.
 *
 * A ticket is used once, within limits.ticketLifeMs. An EventSource that loses its stream asks again with the same
 * address, by itself; so whoever used a ticket is given a secret beside it, as a cookie, and with that secret the
 * ticket is good for coming back: while its stream is open (a newer connection takes it over: the network may have
 * dropped the older one unseen), and for limits.ticketReturnMs after it ended. The address alone, which logs and
 * histories keep, is worth nothing once it has been used.
 *
 * I7: tickets and secrets are held as hashes, in memory alone, and end with their key.
 */
export interface TicketBook {
  /** Throws too_many_streams where the key has limits.ticketsPerKeyMax. */
  issue(key: Key): { readonly ticket: string; readonly expiresAt: number };
  /**
   * Uses a ticket, or comes back with it: `secretsFor` gives what the caller may have been given before with a key's
   * tickets. A secret that was not given out for the same key counts for nothing. Throws key_missing if the ticket is good
   * for neither.
   */
  use(ticket: string, secretsFor: (keyId: string) => readonly string[], connection: TicketConnection): UsedTicket;
  /** Forgets a key's tickets. */
  end(keyId: string): void;
}

/** A connection that came with a ticket. */
export interface TicketConnection {
  close(): void;
  onClosed(listener: () => void): void;
}

export interface UsedTicket {
  readonly key: Key;
  /** To be given to the caller: with it the ticket is good for coming back. */
  readonly secret: string;
}

export interface TicketBookOptions {
  readonly clock: Clock;
  /** Cryptographically random bytes. */
  readonly randomBytes: (size: number) => Buffer;
  readonly isActive: (keyId: string) => boolean;
}

interface Held {
  readonly key: Key;
  /** Null until it is used. */
  secretHash: Buffer | null;
  /** The connection that it serves now. */
  connection: TicketConnection | null;
  /** Good for nothing from then on; moved on when its stream ends. */
  endsAt: number;
}

/** No tickets at first. */
export function createTicketBook({ clock, randomBytes, isActive }: TicketBookOptions): TicketBook {
  /** By hash, the oldest first. */
  const tickets = new Map<string, Held>();
  let sweptAt = clock.steadyNow();

  const isOver = ({ connection, endsAt }: Held, now: number): boolean => connection === null && endsAt <= now;

  function sweep(now: number): void {
    if (now - sweptAt < limits.ticketLifeMs) return;
    sweptAt = now;
    for (const [hash, held] of tickets) if (isOver(held, now)) tickets.delete(hash);
  }

  /**
   * Whether the secret is the ticket's, or, for a ticket that nobody has used, that of another ticket of its key: a browser
   * has one for all tickets of a key, so that its cookies do not grow in number.
   */
  function wasGiven(held: Held | undefined, hash: Buffer): boolean {
    if (held === undefined) return false;
    if (held.secretHash !== null) return isSame(held.secretHash, hash);
    return [...tickets.values()].some(({ key, secretHash }) => key.id === held.key.id && isSame(secretHash, hash));
  }

  return {
    issue(key) {
      const now = clock.steadyNow();
      sweep(now);
      let own = 0;
      for (const held of tickets.values()) if (held.key.id === key.id && !isOver(held, now)) own += 1;
      if (own >= limits.ticketsPerKeyMax) {
        const retryAfterMs = limits.ticketLifeMs;
        throw new SwitchboardError('too_many_streams', `The key has ${own} tickets, the most`, { retryAfterMs });
      }
      const ticket = randomBytes(32).toString('base64url');
      const endsAt = now + limits.ticketLifeMs;
      tickets.set(hashOf(ticket).toString('hex'), { key, secretHash: null, connection: null, endsAt });
      return { ticket, expiresAt: clock.now() + limits.ticketLifeMs };
    },

    use(ticket, secretsFor, connection) {
      const held = tickets.get(hashOf(ticket).toString('hex'));
      const given = held === undefined ? [] : secretsFor(held.key.id);
      const known = given.find((secret) => wasGiven(held, hashOf(secret)));
      const isMine = held?.secretHash === null || known !== undefined;
      if (held === undefined || !isMine || isOver(held, clock.steadyNow()) || !isActive(held.key.id)) {
        throw new SwitchboardError('key_missing', 'The ticket is none, was used, or its time is over: get a new one');
      }
      const own = known ?? randomBytes(32).toString('base64url');
      held.secretHash = hashOf(own);
      held.connection?.close();
      held.connection = connection;
      connection.onClosed(() => {
        if (held.connection !== connection) return;
        held.connection = null;
        held.endsAt = clock.steadyNow() + limits.ticketReturnMs;
      });
      return { key: held.key, secret: own };
    },

    end(keyId) {
      for (const [hash, { key }] of tickets) if (key.id === keyId) tickets.delete(hash);
    },
  };
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

const isSame = (a: Buffer | null | undefined, b: Buffer): boolean => a != null && timingSafeEqual(a, b);
