import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { createKey, freeEnv, startServer } from '../cli/support.ts';
import { barriers, logIn, openPage } from './stage.ts';

const width = (page: Page) => page.evaluate('document.documentElement.scrollWidth');
/** How many lines each word of the bar takes. */
const linesOfBar = (page: Page): Promise<unknown> =>
  page.evaluate(`[...document.querySelectorAll('.bar nav a, .bar .button')].map((one) => {
    const words = document.createRange();
    words.selectNodeContents(one);
    return new Set([...words.getClientRects()].filter(({ width }) => width > 0).map(({ bottom }) => Math.round(bottom / 8))).size;
  })`);

test('on a phone the longest names fit, and each word of the bar stands in one line', async () => {
  const env = { ...freeEnv(), SWITCHBOARD_INSPECT: '1' };
  const { url, sandboxUrl } = await startServer(env);
  const mia = { id: 777, is_bot: false, first_name: 'Mia' };
  const long = {
    id: 901,
    is_bot: false,
    first_name: 'Wolfeschlegelsteinhausen'.repeat(2),
    last_name: 'Bergerdorff the Elder',
  };
  const made = await fetch(`${sandboxUrl}/sandbox/bots/1:sandbox/chats`, {
    method: 'POST',
    body: JSON.stringify({ type: 'group', title: 'Cake', from: mia, members: [mia, long] }),
  });
  const { chat_id: group } = Object(await made.json());
  const { page, complaints } = await openPage({ width: 390 });
  await page.goto(`${url}/sandbox#chat=${group}`);
  await page.getByLabel('Write as').selectOption({ label: `${long.first_name} ${long.last_name}` });
  expect([await width(page), await linesOfBar(page)]).toEqual([390, [1, 1, 1]]);
  expect(await barriers(page)).toEqual([]);

  const { key } = await createKey(env, 'admin');
  await page.goto(`${url}/console`);
  await logIn(page, key);
  await page.getByRole('button', { name: 'Status' }).waitFor();
  expect([await width(page), await linesOfBar(page)]).toEqual([390, [1, 1, 1, 1, 1]]);
  await page.setViewportSize({ width: 340, height: 800 });
  expect([await width(page), await linesOfBar(page)]).toEqual([340, [1, 1, 1, 1, 1]]);
  await page.setViewportSize({ width: 390, height: 800 });
  await page.goto(`${url}/inspector`);
  await page.locator('.workbench').waitFor();
  expect([await width(page), await linesOfBar(page)]).toEqual([390, [1, 1, 1, 1]]);
  expect(complaints).toEqual([]);
});
