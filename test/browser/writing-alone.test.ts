import { expect, test } from 'vitest';
import { createKey, freeEnv, run, startServer } from '../cli/support.ts';
import { barriers, logIn, openPage, userOf } from './stage.ts';

test('an aggregator sees what becomes of what it writes, decides about it, and is logged out when its key is revoked', {
  timeout: 90_000,
}, async () => {
  const env = freeEnv();
  const server = await startServer(env);
  const { key } = await createKey(env, 'aggregator');
  await userOf(server.sandboxUrl, 777).say('hello');
  const { page, complaints } = await openPage();
  await page.goto(`${server.url}/console`);
  await logIn(page, key);
  const post = (text: string) => page.getByRole('listitem').filter({ hasText: text });
  const write = async (text: string): Promise<void> => {
    await page.getByLabel('Message').fill(text);
    await page.keyboard.press('Enter');
  };
  await page.getByLabel('Chat id').fill('777');
  await write('Your parcel is here');
  await post('Your parcel is here').getByText('sent', { exact: true }).waitFor();

  const fault = { method: 'sendMessage', kind: 'lost_answer', chat_id: 777 };
  const body = JSON.stringify(fault);
  await fetch(`${server.sandboxUrl}/sandbox/bots/1:sandbox/faults`, { method: 'POST', body });
  await write('Did this arrive?');
  const unknown = post('Did this arrive?');
  await unknown.getByText('unknown', { exact: true }).waitFor();
  await unknown.getByRole('button', { name: 'It arrived' }).click();
  await unknown.getByText('sent', { exact: true }).waitFor();

  await page.getByRole('button', { name: 'Send later' }).click();
  const day = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  await page.getByLabel('Send at').fill(`${day}T18:00`);
  await write('Tomorrow');
  await post('Tomorrow').getByText('scheduled for').waitFor();
  expect(await barriers(page)).toEqual([]);
  await post('Tomorrow').getByRole('button', { name: 'Cancel' }).click();
  await post('Tomorrow').getByText('canceled', { exact: true }).waitFor();
  expect(complaints).toEqual([]);

  // Nothing is on its way: it is noticed all the same.
  await run(['keys', 'revoke', String(key.split(':')[0])], env).ended;
  const revokedAt = performance.now();
  await page.getByRole('button', { name: 'Log in' }).waitFor();
  expect(performance.now() - revokedAt).toBeLessThan(5000);
});
