import { expect, test } from 'vitest';
import { events } from '../../src/client/client.ts';
import { systemClock } from '../../src/clock.ts';
import { limits } from '../../src/limits.ts';
import { startEdge, until } from '../http/edge.ts';
import { manualClock } from '../support/clock.ts';

test('a client of rare events comes back behind those that were not for it, and tells no gap', async () => {
  const clock = manualClock();
  const edge = await startEdge({ clock });
  const asked: string[] = [];
  const stream = events({
    ...{ url: edge.url, key: edge.admin.text, chats: ['9'] },
    clock: { ...systemClock, setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms > 40_000 ? ms : 0) },
    fetch: (address, init) => {
      asked.push(String(address));
      return fetch(address, init);
    },
  });
  const next = stream.next();
  const connected = (count: number) => until(() => edge.status.getSnapshot().context.operators.connected === count);
  await connected(1);
  for (let n = 0; n < 5; n += 1) await edge.append('7');
  await clock.advance(limits.heartbeatMs);
  await edge.journal.write(async (tx) => tx.trim(5));
  edge.cutStreams();
  await until(() => asked.length === 2);
  await connected(1);
  await edge.append('9');
  expect((await next).value).toMatchObject({ seq: 6, chat: '9' });
  expect(asked[1]).toContain('last_event_id=stream.5');
  await stream.return();
});
