import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MACHINES, PRODUCT_FILES, PRODUCT_MACHINES } from './product.ts';
import { findingsIn } from './try.ts';

const ROOT = join(MACHINES, '..');

test.each(PRODUCT_MACHINES)('%s keeps the rules', async (file) => {
  expect(await findingsIn(MACHINES, file)).toEqual([]);
});

test('the list of the product’s machines is that of .biome.json, and all of them are there', () => {
  expect(readdirSync(MACHINES)).toEqual(expect.arrayContaining([...PRODUCT_FILES]));
  const { files }: { files: { includes: readonly string[] } } = JSON.parse(
    readFileSync(join(ROOT, '.biome.json'), 'utf8'),
  );
  const [first, ...others] = files.includes.filter((path) => path.includes('machines/'));
  expect([first, others]).toEqual(['!machines/*.ts', PRODUCT_FILES.map((file) => `machines/${file}`)]);
});
