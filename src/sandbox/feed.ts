import type { ServerResponse } from 'node:http';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

/** What happened at a bot, both ways. `direction` is `in` for what users do and `out` for what the bot does. */
export interface FeedEvent {
  readonly type:
    | 'message'
    | 'edited'
    | 'deleted'
    | 'callback'
    | 'callback_answer'
    | 'chat_action'
    | 'update'
    | 'trouble';
  readonly direction: 'in' | 'out';
  readonly chat_id: number | null;
  readonly [field: string]: unknown;
}

/** Server-sent events of one bot. Only what happens from now on; a reader that does not keep up is cut off. */
export interface Feed {
  publish(event: FeedEvent): void;
  /** False where the bot has as many readers as it may have. */
  attach(response: ServerResponse): boolean;
  close(): void;
}

/** A feed without readers, numbered from 1. At limits.sandboxReadersMax another reader is refused. */
export function createFeed(clock: Clock): Feed {
  const readers = new Set<ServerResponse>();
  let seq = 0;
  return {
    publish(event) {
      seq += 1;
      if (readers.size === 0) return;
      const at = new Date(clock.now()).toISOString();
      const frame = `id: ${seq}\nevent: ${event.type}\ndata: ${JSON.stringify({ seq, at, ...event })}\n\n`;
      for (const reader of readers) {
        reader.write(frame);
        if (reader.writableLength > limits.sandboxReaderBufferBytes) reader.destroy();
      }
    },
    attach(response) {
      if (readers.size >= limits.sandboxReadersMax) return false;
      // Who has gone already says so no more.
      if (response.destroyed) return true;
      readers.add(response);
      response.on('close', () => readers.delete(response));
      response.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.write(': open\n\n');
      return true;
    },
    close() {
      for (const reader of readers) reader.end();
    },
  };
}
