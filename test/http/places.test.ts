import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { createPlaces } from '../../src/http/places.ts';

/** An answer under way. */
class Answer extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

test('a key has so many places, all keys together so many; each is free again once its answer is over', () => {
  const places = createPlaces({ perKeyMax: 2, max: 3, of: 'answers', code: 'too_many_answers', retryAfterMs: 1000 });
  const take = (id: string) => {
    const answer = new Answer();
    try {
      places.take({ id }, answer);
      return answer;
    } catch (error) {
      return error;
    }
  };
  const [first] = [take('a'), take('a')];
  expect(take('a')).toMatchObject({ code: 'too_many_answers', retryAfterMs: 1000 });
  take('b');
  expect(take('b')).toMatchObject({ code: 'overloaded', retryAfterMs: 1000 });
  if (first instanceof Answer) first.destroy();
  expect(take('b')).toBeInstanceOf(Answer);
  places.cut('b');
  expect([take('a'), take('c')]).toEqual([expect.any(Answer), expect.any(Answer)]);
  expect(take('c')).toMatchObject({ code: 'overloaded' });
});

test('a caller who has gone before it is its turn takes no place: nothing would give it back', () => {
  const places = createPlaces({ perKeyMax: 1, max: 1, of: 'answers', code: 'too_many_answers', retryAfterMs: 1000 });
  const gone = new Answer();
  gone.destroy();
  places.take({ id: 'a' }, gone);
  expect(() => places.take({ id: 'a' }, new Answer())).not.toThrow();
});
