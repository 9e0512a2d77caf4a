import { expect, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { logIn, openPage } from './stage.ts';

test("a file's name that turns its own direction looks, and is saved, as it ends", async () => {
  const env = freeEnv();
  const { url, sandboxUrl } = await startServer(env);
  const document = { base64: 'TVo=', file_name: 'photo\u202Egnp.exe', mime_type: 'application/octet-stream' };
  await fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats/777/messages`, {
    method: 'POST',
    body: JSON.stringify({ document, from: { id: 777, first_name: 'Mia' } }),
  });
  const { page, complaints } = await openPage();
  const saved = async (): Promise<string> => {
    const download = page.waitForEvent('download');
    await page.locator('.file').click();
    return (await download).suggestedFilename();
  };

  await page.goto(`${url}/sandbox#chat=777`);
  await page.locator('.file bdi', { hasText: /^photognp\.exe$/ }).waitFor();
  expect(await saved()).toMatch(/^photo_?gnp\.exe$/);
  expect(await page.locator('body').textContent()).not.toContain('\u202E');

  await page.goto(`${url}/console#chat=777`);
  await logIn(page, (await createKey(env, 'admin')).key);
  await page.locator('.file bdi', { hasText: /^photognp\.exe$/ }).waitFor();
  expect(await page.locator('.file').textContent()).toContain('document · photognp.exe · 2 B');
  expect(await saved()).toMatch(/^photo_?gnp\.exe$/);
  expect(complaints).toEqual([]);
});
