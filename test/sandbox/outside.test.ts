import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { start } from './start.ts';

/** The address of a machine that no test has: connecting to it would wait. */
const PRIVATE = '10.255.255.254';
/** The same machine, in the spellings that a URL allows. */
const SPELLINGS = [
  ...[PRIVATE, '184549374', '0x0affffFE', '0xa.0xff.0xff.0xfe', '012.0377.0377.0376', '10.16777214'],
  ...['[::ffff:10.255.255.254]', '[::ffff:aff:fffe]', '[64:ff9b::aff:fffe]', '[2002:aff:fffe::]', '[::10.255.255.254]'],
];
const OTHERS = ['192.168.1.1', '172.16.0.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '0', '[fd00::1]', '[fe80::1]'];
const ADVICE = 'is reserved: start the sandbox with --allow-private-networks to allow it';

/** Names as a test says where they lead. */
const named =
  (names: Record<string, string>) => (host: string, _options: object, done: (...found: never[]) => void) => {
    const address = names[host] ?? '';
    const found = [{ address, family: isIP(address) }];
    Reflect.apply(done, null, [null, found]);
  };

/** A site of this machine that answers every path with a redirect to `target`. */
async function redirectTo(target: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(302, { location: target }).end());
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/`;
}

test('neither a webhook nor a file comes from a private network, however its address is written', async () => {
  const { bot, write } = await start();
  await write(777, 'hello');
  for (const host of [...SPELLINGS, ...OTHERS]) {
    const hook = await bot('setWebhook', { url: `http://${host}/hook` });
    expect([host, hook.ok, hook.description]).toEqual([host, false, expect.stringContaining(ADVICE)]);
    const file = await bot('sendDocument', { chat_id: 777, document: `http://${host}/x.bin` });
    expect([host, file.ok, file.description]).toEqual([host, false, expect.stringContaining(ADVICE)]);
  }
  const named = await bot('setWebhook', { url: 'http://name.example/', ip_address: PRIVATE });
  expect(named.description).toBe(`Bad Request: bad webhook: IP address ${PRIVATE} ${ADVICE}`);
  expect((await bot('getWebhookInfo')).result.url).toBe('');
});

test('a name that leads to a private network, and a redirect to one, are not followed', async () => {
  const lookup = named({ 'inside.example': PRIVATE, 'mapped.example': `::ffff:${PRIVATE}`, 'hook.example': PRIVATE });
  const { bot, write } = await start({ lookup });
  await write(777, 'hello');
  const inside = ['http://inside.example/', 'http://mapped.example/', await redirectTo(`http://${PRIVATE}/`)];
  for (const document of [...inside, await redirectTo('http://inside.example/')]) {
    const { description } = await bot('sendDocument', { chat_id: 777, document });
    expect([document, description]).toEqual([document, expect.stringContaining(ADVICE)]);
  }
  // The name is looked up as each update is delivered.
  expect((await bot('setWebhook', { url: 'http://hook.example/' })).ok).toBe(true);
  const error = async () => (await bot('getWebhookInfo')).result.last_error_message;
  await expect.poll(error).toBe(`IP address ${PRIVATE} ${ADVICE}`);
});

test('whoever starts the sandbox may allow private networks', async () => {
  const lookup = named({ 'inside.example': '127.0.0.1' });
  const { bot } = await start({ allowPrivateNetworks: true, lookup });
  for (const host of [PRIVATE, 'inside.example']) {
    expect((await bot('setWebhook', { url: `http://${host}:9/hook` })).ok, host).toBe(true);
    await bot('deleteWebhook');
  }
});
