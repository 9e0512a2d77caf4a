import { expect, test } from 'vitest';
import { differences, moveOf, statesIn, stateText } from '../../src/web/inspector/difference.ts';

test('two contexts differ where they differ, as deep down as can be told', () => {
  const before = { a: 1, draft: { amount: '1', to: 'bob' }, list: [1, 2], gone: true };
  const after = { a: 1, draft: { amount: '2', to: 'bob' }, list: [1, 2, 3], come: null };
  expect(differences(before, after)).toEqual([
    { path: 'draft.amount', before: '1', after: '2' },
    { path: 'list.2', before: undefined, after: 3 },
    { path: 'gone', before: true, after: undefined },
    { path: 'come', before: undefined, after: null },
  ]);
  expect(differences(before, before)).toEqual([]);
  expect(differences(null, { a: 1 })).toEqual([{ path: '', before: null, after: { a: 1 } }]);
  expect(differences({ a: [] }, { a: {} })).toEqual([{ path: 'a', before: [], after: {} }]);
});

test('a state is told by where it is deepest, a move by what moved', () => {
  const before = { busy: { a: 'one', b: { c: 'x' } } };
  expect(statesIn(before)).toEqual(['busy', 'busy.a', 'busy.a.one', 'busy.b', 'busy.b.c', 'busy.b.c.x']);
  expect(stateText(before)).toBe('busy.a.one, busy.b.c.x');
  expect(stateText(null)).toBe('not begun');
  expect(moveOf(before, { busy: { a: 'two', b: { c: 'x' } } })).toEqual({ from: 'busy.a.one', to: 'busy.a.two' });
  expect(moveOf(null, 'idle')).toEqual({ from: 'not begun', to: 'idle' });
  expect(moveOf('idle', 'idle')).toBeNull();
});
