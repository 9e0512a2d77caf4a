// Plain JavaScript: a Node that is too old to run TypeScript must still be able to say so.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const found = process.versions.node;
const [major, minor] = found.split('.').map(Number);
const [majorMin, minorMin] = engines.node.match(/\d+/g).map(Number);

if (major < majorMin || (major === majorMin && minor < minorMin)) {
  const needed = `Node ${majorMin}.${minorMin} or newer is needed, and ${process.execPath} is Node ${found}`;
  const advice = 'run npm ci (without --omit=optional), or install a newer Node';
  process.stderr.write(`switchboard: ${needed}: ${advice}\n`);
  process.exit(1);
}
await import('../cli.ts');
