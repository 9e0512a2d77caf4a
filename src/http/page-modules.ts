import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { extname, join, normalize, sep } from 'node:path';

const WEB = join(import.meta.dirname, '..', 'web');
const require = createRequire(import.meta.url);

/** What the pages import by a bare name, and the file that it is. No other package is served. */
const LIBRARIES = {
  preact: 'preact/dist/preact.mjs',
  'preact/hooks': 'preact/hooks/dist/hooks.mjs',
  htm: 'htm/dist/htm.mjs',
  '@preact/signals': '@preact/signals/dist/signals.mjs',
  '@preact/signals-core': '@preact/signals-core/dist/signals-core.mjs',
  '@tanstack/virtual-core': '@tanstack/virtual-core/dist/esm/index.js',
  uplot: 'uplot/dist/uPlot.esm.js',
} as const;
/** Packages whose files the pages load: those above, a style sheet, and a layout engine that is no module. */
const PACKAGES = /^(preact|htm|@preact\/signals|@preact\/signals-core|@tanstack\/virtual-core|uplot|elkjs)\//;

const NODE_MODE = /\bprocess\.env\.NODE_ENV\b/g;

const TYPES: Readonly<Record<string, string>> = {
  '.ts': 'text/javascript; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** For the page's import map. */
export const IMPORT_MAP = JSON.stringify({
  imports: Object.fromEntries(Object.entries(LIBRARIES).map(([name, file]) => [name, `./assets/npm/${file}`])),
});

export interface PageModule {
  readonly text: string;
  readonly type: string;
  readonly etag: string;
}

/**
 * The files that the pages load, of src/web and of the libraries above: TypeScript without its types, so that nothing
 * has to be built. Kept in memory until the file changes. Null for anything else.
 */
export function createPageModules(): { load(path: string): Promise<PageModule | null> } {
  const held = new Map<string, { readonly changedAt: number; readonly module: PageModule }>();
  return {
    async load(path) {
      const file = fileOf(path);
      const type = TYPES[extname(path)];
      if (file === null || type === undefined) return null;
      const changedAt = (await stat(file).catch(() => null))?.mtimeMs;
      if (changedAt === undefined) return null;
      const before = held.get(file);
      if (before?.changedAt === changedAt) return before.module;
      const source = await readFile(file, 'utf8');
      // Libraries ask Node which mode they run in; a browser has no such thing.
      const text = file.endsWith('.ts') ? stripTypeScriptTypes(source) : source.replaceAll(NODE_MODE, '"production"');
      const module = { text, type, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
      held.set(file, { changedAt, module });
      return module;
    },
  };
}

/** Where the file of an asset lies; null where it is none of ours. */
function fileOf(path: string): string | null {
  const clean = normalize(path);
  if (clean !== path || clean.startsWith('..') || clean.startsWith(sep)) return null;
  if (!clean.startsWith('npm/')) return join(WEB, clean);
  const name = clean.slice('npm/'.length);
  const [, root] = PACKAGES.exec(name) ?? [];
  return root === undefined ? null : join(packageFolder(root), name.slice(root.length));
}

/** A package's folder, where Node would look for it: its `exports` may keep its files from being resolved by name. */
const packageFolder = (root: string): string =>
  require.resolve
    .paths(root)
    ?.map((folder) => join(folder, root))
    .find((folder) => existsSync(folder)) ?? root;
