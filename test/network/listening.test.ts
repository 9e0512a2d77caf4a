import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadSettings } from '../../config/load.ts';
import { plainHttpWarning } from '../../src/listening.ts';
import { createLog } from '../../src/log.ts';
import { startSwitchboard } from '../../src/main.ts';
import { freeEnv } from '../cli/support.ts';

const CONFIG = join(import.meta.dirname, '..', '..', 'config');

test('plain HTTP for other machines is warned of, unless a proxy on another machine is named', () => {
  for (const host of ['127.0.0.1', '127.0.0.5', '::1', 'localhost', 'bot.localhost'])
    expect(plainHttpWarning(host, ['127.0.0.0/8', '::1']), host).toBe(null);
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'bot.example.org', 'localhost.example.org']) {
    expect(plainHttpWarning(host, ['127.0.0.0/8', '::1']), host).toMatch(`listens on ${host} in plain HTTP`);
    expect(plainHttpWarning(host, []), host).toMatch('SWITCHBOARD_TRUSTED_PROXIES');
    expect(plainHttpWarning(host, ['::1', '172.17.0.1']), host).toBe(null);
  }
});

test('a start says so in the log', async () => {
  const lines: string[] = [];
  const settings = loadSettings(CONFIG, { ...freeEnv(), SWITCHBOARD_HOST: '0.0.0.0' });
  const running = await startSwitchboard(settings, createLog('warn', { write: (line) => lines.push(line) }));
  await running.stop();
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ event: 'plain_http', host: '0.0.0.0' }]);
});
