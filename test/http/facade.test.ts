import { describe, expect, test } from 'vitest';
import { limits } from '../../src/limits.ts';
import { TelegramUnreachable } from '../../src/telegram/errors.ts';
import type { Json } from '../sandbox/start.ts';
import { manualClock } from '../support/clock.ts';
import { openJournal } from '../support/journal.ts';
import { type Edge, json, startEdge, until } from './edge.ts';
import { type FacadeStage, startFacade } from './facade-stage.ts';

const texts = (answer: Json): string[] => answer.result.map((update: Json) => update.message.text);

describe('the methods of each role', () => {
  test('are those of the contract; all else is refused in Telegram’s form', async () => {
    const stage = await startFacade();
    const { call, key, telegram } = stage;
    await telegram.write(777, 'hi');
    const keys = {
      ...{ operator: key('operator'), aggregator: key('aggregator'), backend: key('backend') },
      moderator: key('backend', { givenScopes: ['moderate'] }),
      ...{ support: key('support'), metrics: key('metrics'), admin: key('admin') },
    };
    const granted = async (method: string, params: object) => {
      const roles: string[] = [];
      for (const [role, text] of Object.entries(keys)) {
        const answer = await call(text, method, params);
        if (answer.ok) roles.push(role);
        // The sandbox knows no method that moderates: that it was asked shows that the key may.
        else if (answer.description === 'Not Found: method not found') roles.push(role);
        else expect(answer).toMatchObject({ error_code: 400, description: expect.stringMatching(/^Bad Request: /) });
      }
      return roles.join(' ');
    };
    expect({
      getMe: await granted('getMe', {}),
      getUpdates: await granted('getUpdates', {}),
      getChat: await granted('getChat', { chat_id: 777 }),
      sendMessage: await granted('sendMessage', { chat_id: 777, text: 'hi' }),
      sendChatAction: await granted('sendChatAction', { chat_id: 777, action: 'typing' }),
      deleteWebhook: await granted('deleteWebhook', {}),
      banChatMember: await granted('banChatMember', { chat_id: -5, user_id: 7 }),
      setWebhook: await granted('setWebhook', { url: 'https://evil.example' }),
      logOut: await granted('logOut', {}),
      close: await granted('close', {}),
      setMyCommands: await granted('setMyCommands', { commands: [] }),
      nothing: await granted('noSuchMethod', {}),
    }).toEqual({
      getMe: 'operator aggregator backend moderator admin',
      getUpdates: 'operator backend moderator admin',
      getChat: 'operator backend moderator admin',
      sendMessage: 'aggregator backend moderator admin',
      sendChatAction: 'aggregator backend moderator admin',
      deleteWebhook: 'operator backend moderator admin',
      banChatMember: 'moderator admin',
      setWebhook: '',
      logOut: '',
      close: '',
      setMyCommands: '',
      nothing: '',
    });
    const me = await telegram.bot('getMe');
    expect(await call(keys.operator, 'GETME'), 'the name in any case, the bot that it is').toEqual(me);
  });

  test('no key, a wrong one and one that was revoked get Telegram’s 401, what is no method its 404', async () => {
    const { call, key, revoke, apiRoot } = await startFacade();
    const revoked = key('operator');
    expect((await call(revoked, 'getMe')).ok).toBe(true);
    revoke(revoked);
    const good = key('operator');
    const waiting = call(revoked, 'getUpdates', { timeout: 50 });
    for (const wrong of [`${good.slice(0, -4)}AAAA`, '1:x', 'none', '']) {
      expect(await call(wrong, 'getMe'), wrong).toEqual({ ok: false, error_code: 401, description: 'Unauthorized' });
    }
    expect(await waiting, 'within 50 s').toEqual({ ok: false, error_code: 401, description: 'Unauthorized' });
    for (const path of ['', '/', '/getMe/more']) {
      const response = await fetch(`${apiRoot}/bot${good}${path}`);
      expect(await response.json(), path).toEqual({ ok: false, error_code: 404, description: 'Not Found' });
    }
    const broken = await fetch(`${apiRoot}/bot${good}/%zz`);
    expect(await broken.json()).toEqual({
      ...{ ok: false, error_code: 400, description: 'Bad Request: The path is not well encoded' },
    });
    const put = await fetch(`${apiRoot}/bot${good}/getMe`, { method: 'PUT' });
    expect([put.status, await put.json()]).toMatchObject([405, { ok: false, error_code: 405 }]);
  });
});

describe('getUpdates', () => {
  test('takes its parameters in every way that Telegram does', async () => {
    const { key, apiRoot, telegram } = await startFacade();
    for (const text of ['a', 'b', 'c', 'd']) await telegram.write(777, text);
    const url = `${apiRoot}/bot${key('operator')}/getUpdates`;
    const form = new FormData();
    form.set('offset', '-2');
    form.set('limit', '1');
    const ways: [string, RequestInit?][] = [
      [`${url}?offset=-2&limit=1`],
      [url, { method: 'POST', body: new URLSearchParams({ offset: '-2', limit: '1' }) }],
      [url, { method: 'POST', body: form }],
      [url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"offset":-2,"limit":1}' }],
      [
        `${url}?limit=7`,
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"offset":"-2","limit":"1"}' },
      ],
    ];
    for (const [address, init] of ways) {
      // All four have to be there first: the poller brings them one after the other.
      let got: string[] = [];
      while (got[0] !== 'c') got = texts(await (await fetch(address, init)).json());
      expect(got).toEqual(['c']);
    }
    const broken = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a' });
    expect(await broken.json()).toEqual({
      ...{ ok: false, error_code: 400, description: "Bad Request: can't parse JSON object" },
    });
    const large = await fetch(url, { method: 'POST', body: 'x'.repeat(2 * 1024 * 1024) });
    expect(await large.json()).toMatchObject({ ok: false, error_code: 413 });
  });

  test('a long poll is answered as the update comes; the older of two polls gets 409', async () => {
    const { key, call, telegram } = await startFacade();
    const [ann, ben] = [key('operator'), key('operator')];
    const older = call(ann, 'getUpdates', { timeout: 50 });
    const other = call(ben, 'getUpdates', { timeout: 50 });
    // The newer of two is the one that is waiting: whichever came first is told.
    const newer = call(ann, 'getUpdates', { timeout: 50 });
    const first = await Promise.race([older, newer]);
    expect(first).toEqual({
      ...{ ok: false, error_code: 409 },
      description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    });
    await telegram.write(777, 'here');
    expect(texts(await other)).toEqual(['here']);
    expect(texts((await older).ok ? await older : await newer)).toEqual(['here']);
  });

  test("a key for one chat sees that chat's updates and no other's, and no chat but its own", async () => {
    const { key, call, telegram } = await startFacade();
    const own = key('backend', { chats: ['777'] });
    await telegram.write(888, 'not for you');
    await telegram.write(777, 'for you');
    expect(texts(await call(own, 'getUpdates', { timeout: 50 }))).toEqual(['for you']);
    expect((await call(own, 'getChat', { chat_id: 777 })).result).toMatchObject({ id: 777 });
    for (const chat of [888, 999, '@somebody', undefined]) {
      expect(await call(own, 'getChat', { chat_id: chat })).toMatchObject({ error_code: 400 });
    }
    expect(await call(own, 'sendMessage', { chat_id: 888, text: 'x' })).toMatchObject({ error_code: 400 });
    const reply = { chat_id: 777, text: 'x', reply_parameters: '{"message_id":1,"chat_id":888}' };
    expect(await call(own, 'sendMessage', reply)).toMatchObject({ error_code: 400 });
    expect((await call(own, 'sendMessage', { chat_id: '777', text: 'x' })).ok).toBe(true);
  });

  test('deleteWebhook with drop_pending_updates lets go of what waits for this key, and of nothing else', async () => {
    const { key, call, telegram } = await startFacade();
    const [ann, ben] = [key('operator'), key('operator')];
    await telegram.write(777, 'old');
    await call(ann, 'getUpdates', { timeout: 50 });
    expect(await call(ann, 'deleteWebhook', { drop_pending_updates: true })).toEqual({
      ...{ ok: true, result: true, description: 'Webhook is already deleted' },
    });
    await telegram.write(777, 'new');
    expect(texts(await call(ann, 'getUpdates', { timeout: 50 }))).toEqual(['new']);
    expect(texts(await call(ben, 'getUpdates', { timeout: 50 }))).toEqual(['old', 'new']);
  });
});

describe('a write', () => {
  const send = (stage: FacadeStage, key: string, more: object = {}) =>
    stage.call(key, 'sendMessage', { chat_id: 777, text: 'hello', ...more });

  test("goes through the outbox and is answered with Telegram's own result", async () => {
    const stage = await startFacade();
    const { key, call, telegram, url } = stage;
    await telegram.write(777, 'hi');
    const writer = key('backend');
    const answer = await send(stage, writer, {
      reply_markup: { inline_keyboard: [[{ text: 'A', callback_data: 'a' }]] },
    });
    const [, sent] = (await telegram.control('chats/777')).messages;
    expect(answer).toEqual({ ok: true, result: sent });
    const { message_id } = answer.result;
    const edited = await call(writer, 'editMessageText', { chat_id: 777, message_id, text: 'changed' });
    expect(edited.result).toMatchObject({ message_id, text: 'changed', edit_date: expect.any(Number) });
    expect(await call(writer, 'deleteMessage', { chat_id: 777, message_id })).toEqual({ ok: true, result: true });
    const events = await fetch(`${url}/v1/events?poll=1&from=earliest&type=message.sent`, {
      headers: { authorization: `Bearer ${key('operator')}` },
    });
    expect(((await events.json()) as Json).events.map(({ message }: Json) => message.method)).toEqual([
      'sendMessage',
      'editMessageText',
      'deleteMessage',
    ]);
  });

  test("what Telegram refuses comes back in Telegram's words, what it would refuse too", async () => {
    const stage = await startFacade();
    const { telegram, key } = stage;
    const aggregator = key('aggregator');
    expect(await send(stage, aggregator)).toEqual({
      ...{ ok: false, error_code: 400, description: 'Bad Request: chat not found' },
    });
    await telegram.write(777, 'hi');
    expect(await send(stage, aggregator, { text: '' })).toMatchObject({
      ...{ ok: false, error_code: 400, description: expect.stringMatching(/^Bad Request: text/) },
    });
    const blocked = { method: 'sendMessage', error_code: 403, description: 'Forbidden: bot was blocked by the user' };
    await telegram.control('faults', { kind: 'error', ...blocked });
    expect(await send(stage, aggregator)).toMatchObject({ error_code: 403, description: blocked.description });
  });

  test('with a file takes it as a form, and where it is refused keeps nothing', async () => {
    const { telegram, key, apiRoot } = await startFacade();
    await telegram.write(777, 'hi');
    const form = new FormData();
    form.set('chat_id', '777');
    form.set('caption', 'a report');
    form.set('disable_notification', 'true');
    form.set('reply_markup', '{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}');
    form.set('document', new File(['1,2,3'], 'report.csv'));
    const post = async (role: 'aggregator' | 'operator', body: FormData) =>
      (await fetch(`${apiRoot}/bot${key(role)}/sendDocument`, { method: 'POST', body })).json() as Json;
    const answer = await post('aggregator', form);
    expect(answer.result).toMatchObject({ caption: 'a report', document: { file_name: 'report.csv', file_size: 5 } });
    expect(await post('operator', form)).toMatchObject({ ok: false, error_code: 400 });
    form.set('chat_id', '@');
    expect(await post('aggregator', form)).toMatchObject({ ok: false, error_code: 400 });
  });

  test('goes as a reply does, however much is sent in bulk; an answer to a button too', async () => {
    const stage = await startFacade({ rates: { overallPerS: 0.01, overallBurst: 3 } });
    const aggregator = stage.key('aggregator');
    for (const user of [777, 778]) await stage.telegram.write(user, 'hi');
    const messages = Array.from({ length: 10 }, (_, n) => ({
      ...{ idempotency_key: `${n}`, chat_id: 1000 + n, text: 'news', delivery: { priority: 'high' } },
    }));
    const bulk = await fetch(`${stage.url}/v1/messages/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${aggregator}`, 'content-type': 'application/json' },
      body: JSON.stringify({ messages }),
    });
    expect(bulk.status).toBe(200);
    expect((await send(stage, aggregator)).ok).toBe(true);
    const query = { callback_query_id: 'none' };
    expect((await stage.call(aggregator, 'answerCallbackQuery', query)).error_code).toBe(400);
  });

  test('a lost answer is told as one, with a code that no client tries again', async () => {
    const stage = await startFacade();
    await stage.telegram.write(777, 'hi');
    await stage.telegram.control('faults', { method: 'sendMessage', kind: 'lost_answer' });
    expect(await send(stage, stage.key('aggregator'))).toEqual({
      ...{ ok: false, error_code: 424 },
      description: "Failed Dependency: Telegram's answer was lost: the message may have been sent",
    });
    expect((await stage.telegram.control('chats/777')).messages).toHaveLength(2);
  });

  test('whose caller leaves before it is being sent is taken back', async () => {
    const stage = await startFacade({ rates: { chatPerS: 0.01, chatBurst: 1 } });
    const { telegram, key, apiRoot, url } = stage;
    await telegram.write(777, 'hi');
    const aggregator = key('aggregator');
    expect((await send(stage, aggregator)).ok).toBe(true);
    const gone = new AbortController();
    const events = await fetch(`${url}/v1/events?type=message.canceled&type=message.accepted`, {
      headers: { authorization: `Bearer ${key('operator')}` },
    });
    const body = new URLSearchParams({ chat_id: '777', text: 'waits' });
    fetch(`${apiRoot}/bot${aggregator}/sendMessage`, { method: 'POST', body, signal: gone.signal }).catch(() => {});
    let heard = '';
    for await (const chunk of events.body ?? []) {
      heard += Buffer.from(chunk).toString();
      if (heard.includes('"text":"waits"')) gone.abort();
      if (heard.includes('event: message.canceled')) break;
    }
    expect((await telegram.control('chats/777')).messages).toHaveLength(2);
  });
});

describe('a write that waits', () => {
  const waiting = async (edge: Edge) => {
    const answer = edge.get(`/telegram/bot${edge.admin.text}/sendMessage?chat_id=777&text=hello`, {});
    await until(() => edge.journal.bounds().head > 0);
    return { seq: edge.journal.bounds().head, answer };
  };

  test('is not sent later than its caller would have waited, also where the process died meanwhile', async () => {
    const clock = manualClock();
    const edge = await startEdge({ clock });
    const { seq, answer } = await waiting(edge);
    const next = openJournal(edge.folder, clock, '123');
    const expired = () => next.write(async (tx) => (await tx.dueMessages()).expired.map((message) => message.seq));
    clock.skip(limits.facadeWriteWaitMs - 1);
    expect(await expired()).toEqual([]);
    clock.skip(1);
    expect(await expired()).toEqual([seq]);
    void answer.catch(() => {});
  });

  test('and whose time is over first may be sent again, says its answer', async () => {
    const edge = await startEdge();
    const { seq, answer } = await waiting(edge);
    await edge.journal.write(async (tx) => tx.changeMessage(seq, { status: 'expired' }));
    edge.parts.outbox.settledNow(seq);
    const told = await answer;
    expect(await told.json()).toMatchObject({ error_code: 429, parameters: { retry_after: expect.any(Number) } });
    expect(told.headers.get('retry-after')).toMatch(/^\d+$/);
  });
});

describe('files', () => {
  test('are downloaded through the key, by the path that getFile gave', async () => {
    const { key, call, telegram, apiRoot } = await startFacade();
    const bytes = Buffer.alloc(3_000_000, 'data');
    await telegram.control('chats/777/messages', {
      document: { base64: bytes.toString('base64'), file_name: 'a.html' },
    });
    const operator = key('operator');
    const [update] = (await call(operator, 'getUpdates', { timeout: 50 })).result;
    const { result } = await call(operator, 'getFile', { file_id: update.message.document.file_id });
    const download = await fetch(`${apiRoot}/file/bot${operator}/${result.file_path}`);
    expect(download.headers.get('content-type')).toBe('application/octet-stream');
    expect(download.headers.get('content-disposition')).toBe('attachment');
    expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true);

    const status = async (text: string, path: string) => {
      const response = await fetch(`${apiRoot}/file/bot${text}/${path}`);
      const answer: Json = await response.json();
      expect(answer).toMatchObject({ ok: false, error_code: response.status });
      return response.status;
    };
    expect(await status(operator, 'documents/none')).toBe(404);
    expect(await status(operator, `..%2f..%2fbot${telegram.token}%2fgetMe`)).toBe(404);
    expect(await status(operator, `documents%2f..%2f${result.file_path}`)).toBe(404);
    expect(await status(key('aggregator'), result.file_path)).toBe(400);
    expect(await status('1:none', result.file_path)).toBe(401);
    const restricted = key('operator', { chats: ['777'] });
    expect(await status(restricted, result.file_path), 'a path can be guessed').toBe(404);
    await call(restricted, 'getFile', { file_id: update.message.document.file_id });
    expect((await fetch(`${apiRoot}/file/bot${restricted}/${result.file_path}`)).status).toBe(200);
    expect(await call(operator, 'getFile', { file_id: 'none' })).toMatchObject({ ok: false, error_code: 400 });
  });
});

describe('a call that moderates', () => {
  const calls: [string, object][] = [];
  const moderated = (answer: unknown) =>
    startEdge({
      api: {
        async call(method, params) {
          calls.push([method, params]);
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
    });

  test('is passed on as it is, and answered with what Telegram says; a key for some chats names one of them', async () => {
    const edge = await moderated(true);
    const { text } = edge.key('backend', { chats: ['-5'], givenScopes: ['moderate'] });
    const call = async (method: string, query: string) =>
      json(await edge.get(`/telegram/bot${text}/${method}?${query}`, {}));
    calls.length = 0;
    expect(await call('banchatmember', 'chat_id=-5&user_id=7')).toEqual({ ok: true, result: true });
    expect(calls).toEqual([['banChatMember', { chat_id: '-5', user_id: '7' }]]);
    for (const [method, query] of [
      ['banChatMember', 'chat_id=-6&user_id=7'],
      ['answerChatJoinRequestQuery', 'query_id=1&result=approve'],
    ] as const)
      expect(await call(method, query), method).toMatchObject({ ok: false, error_code: 400 });
    expect(calls).toHaveLength(1);
  });

  test('whose answer is lost is not answered with what clients try again by themselves after', async () => {
    for (const [left, code] of [
      [true, 424],
      [false, 502],
    ] as const) {
      const edge = await moderated(new TelegramUnreachable('createForumTopic', 'reset', left));
      const answer = await edge.get(`/telegram/bot${edge.admin.text}/createForumTopic?chat_id=-5&name=a`, {});
      expect(await json(answer)).toMatchObject({ ok: false, error_code: code });
    }
  });
});

test('where Telegram cannot be reached, what is passed on gets 502, and reading goes on', async () => {
  const edge = await startEdge();
  const get = async (path: string) => (await edge.get(path, {})).json();
  const update = { update_id: 5, message: { text: 'hi' } };
  await edge.append('7', update);
  const root = `/telegram/bot${edge.admin.text}`;
  expect(await get(`${root}/getMe`)).toEqual({ ok: false, error_code: 502, description: 'Bad Gateway' });
  expect(await get(`${root}/getUpdates`)).toEqual({ ok: true, result: [update] });
  expect(await get(`/telegram/file/bot${edge.admin.text}/a/b`)).toMatchObject({ error_code: 502 });
});

test('when the server closes, a poll is answered with what there is', async () => {
  const edge = await startEdge();
  const poll = edge.get(`/telegram/bot${edge.admin.text}/getUpdates?timeout=50`, {});
  while ((await edge.journal.cursor(edge.admin.id)) === null) await new Promise((resolve) => setImmediate(resolve));
  await edge.server.close();
  expect(await (await poll).json()).toEqual({ ok: true, result: [] });
});
