import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freeEnv, startServer } from '../cli/support.ts';
import { barriers, logIn, openPage } from './stage.ts';

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'data-0.1.0');

test('after a restore the console says that nothing is sent, and an admin cancels what waited or sends it, as the audit log tells', async () => {
  const env = freeEnv();
  const data = String(env.SWITCHBOARD_DATA);
  cpSync(join(FIXTURE, 'folder'), data, { recursive: true });
  // As a backup is put into an empty folder.
  rmSync(join(data, 'switchboard.stream'));
  const { keys, contents } = JSON.parse(readFileSync(join(FIXTURE, 'expected.json'), 'utf8'));
  const keyOf = (wanted: string) =>
    keys[contents.keys.findIndex(({ role }: { readonly role: string }) => role === wanted)];
  const server = await startServer(env);

  const operator = await openPage();
  await operator.page.goto(`${server.url}/console`);
  await logIn(operator.page, keyOf('operator'));
  await operator.page.locator('[data-part=outbox]').getByText('degraded').waitFor();
  expect(await operator.page.getByRole('region', { name: 'Nothing is sent' }).count()).toBe(0);

  const { page, complaints } = await openPage({ dark: true });
  await page.goto(`${server.url}/console`);
  await logIn(page, keyOf('admin'));
  const held = page.getByRole('region', { name: 'Nothing is sent' });
  await held.getByText('may have been sent since').waitFor();
  await held.getByText(/In all, [1-9]\d* wait now/).waitFor();
  // One press alone sends nothing and cancels nothing.
  await held.getByRole('button', { name: 'Send all that waits' }).click();
  const sure = held.getByRole('group', { name: 'Are you sure?' });
  expect(await barriers(page)).toEqual([]);
  await sure.getByRole('button', { name: 'No', exact: true }).click();
  await sure.waitFor({ state: 'detached' });
  await held.getByRole('button', { name: 'Cancel what came with the copy' }).click();
  const released = page.waitForResponse(/\/v1\/outbox\/release$/);
  await sure.getByRole('button', { name: 'Yes, cancel' }).click();
  expect(Object(await (await released).json()).canceled).toBeGreaterThan(0);
  await held.waitFor({ state: 'detached' });
  await page.locator('[data-part=outbox]').getByText('up').waitFor();

  // An admin sees who did what; others have no such part.
  await page.getByText('Audit log', { exact: true }).click();
  const told = page.getByRole('list', { name: 'Audit log' });
  await told.getByText('outbox.released').waitFor();
  await told.getByText('"cancel":true').waitFor();
  expect(await barriers(page)).toEqual([]);
  expect(await operator.page.getByText('Audit log', { exact: true }).count()).toBe(0);
  expect([...complaints, ...operator.complaints]).toEqual([]);
}, 600_000);
