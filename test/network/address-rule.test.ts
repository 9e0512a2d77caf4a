import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIn, isLoopback, isPublic, networkList, ruledLookup } from '../../src/address-rule.ts';

test('only hosts of the public internet are public, however their address is written', () => {
  for (const address of ['8.8.8.8', '149.154.167.220', '172.32.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])
    expect(isPublic(address), address).toBe(true);
  const reserved = [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
    ...[
      '172.31.255.255',
      '192.168.0.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fc00::1',
      'fd12::',
    ],
    ...[
      'fe80::1',
      'ff02::1',
      '::ffff:10.0.0.1',
      '::ffff:a00:1',
      '::ffff:169.254.169.254',
      '::10.0.0.1',
      '64:ff9b::a00:1',
    ],
    ...['2002:a00:1::', '2001:0:a00:1::', 'fec0::1', 'no address', ''],
  ];
  for (const address of reserved) expect(isPublic(address), address).toBe(false);
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1'])
    expect(isLoopback(address), address).toBe(true);
  for (const address of ['128.0.0.1', '0.0.0.0', '::', '::2', '::ffff:10.0.0.1', 'localhost'])
    expect(isLoopback(address), address).toBe(false);
});

test('an IPv4 address and the IPv6 address that maps it are judged alike', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(isPublic(`::ffff:${address}`)).toBe(isPublic(address));
      expect(isLoopback(`::ffff:${address}`)).toBe(isLoopback(address));
    }),
  );
});

test('a list of networks holds what lies in one of them; a text that is no network is refused', () => {
  const list = networkList(['10.0.0.0/8', '192.168.7.7', 'fd00::/8']);
  for (const address of ['10.255.0.1', '192.168.7.7', '::ffff:10.1.1.1', 'fd00::1'])
    expect(isIn(list, address), address).toBe(true);
  for (const address of ['11.0.0.1', '192.168.7.8', 'fe80::1']) expect(isIn(list, address), address).toBe(false);
  for (const text of [
    '',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0/8',
    '10.0.0.0/8/8',
    'example.org',
    '::/129',
  ])
    expect(() => networkList([text]), text).toThrow(RangeError);
});

test('a name that leads to several addresses is connected to those that are allowed', async () => {
  const addresses = ['10.0.0.1', '8.8.8.8', '::1', '2606:4700::1'].map((address) => ({
    address,
    family: isIP(address),
  }));
  const look = (rule: (address: string) => boolean, all: boolean) =>
    new Promise((resolve) => {
      const lookup = ruledLookup(rule, (_host, _options, done) => done(null, addresses));
      lookup('name.example', { all }, (error, found) => resolve(error ?? found));
    });
  expect(await look(isPublic, true)).toEqual([addresses[1], addresses[3]]);
  expect(await look(isPublic, false)).toBe('8.8.8.8');
  expect(await look(() => false, true)).toMatchObject({ name: 'AddressRefused', address: '10.0.0.1' });
});
