import { expect, test } from 'vitest';
import type { OpenEngine } from './engine.ts';

export function cursorsContract(openEngine: OpenEngine): void {
  const place = { seq: 5, confirmedOffset: 1001, allowedUpdates: '["message"]' };

  test('a key has one cursor, which is as it was saved last, also after a restart', async () => {
    const { open, clock } = await openEngine();
    const journal = await open();
    expect(await journal.cursor('k')).toBeNull();
    await journal.write(async (tx) => {
      tx.saveCursor({ keyId: 'k', seq: 3, confirmedOffset: null, allowedUpdates: null });
      expect(await tx.cursor('k')).toMatchObject({ seq: 3, confirmedOffset: null, allowedUpdates: null });
    });
    await clock.advance(1000);
    await journal.write(async (tx) => tx.saveCursor({ keyId: 'k', ...place }));
    await journal.close();
    const again = await open();
    expect(await again.cursor('k')).toEqual({ keyId: 'k', ...place, updatedAt: clock.now() });
    expect(await again.cursors()).toEqual([await again.cursor('k')]);
  });

  test('the cursors of two bots, and of two keys, are apart', async () => {
    const { open } = await openEngine();
    const [one, other] = [await open('1'), await open('2')];
    await one.write(async (tx) => {
      tx.saveCursor({ keyId: 'a', ...place });
      tx.saveCursor({ keyId: 'b', ...place, seq: 6 });
    });
    await other.write(async (tx) => tx.saveCursor({ keyId: 'a', ...place, seq: 7 }));
    expect((await one.cursors()).map(({ keyId, seq }) => [keyId, seq])).toEqual([
      ['a', 5],
      ['b', 6],
    ]);
    expect((await other.cursors()).map(({ keyId, seq }) => [keyId, seq])).toEqual([['a', 7]]);
  });
}
