import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import packed, { inflate } from '@sparticuz/chromium';
import { machineEnv } from '../support/environment.ts';

/** A Chromium, and what it needs of the environment. */
export interface Chromium {
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The Chromium of @sparticuz/chromium, unpacked once for each user and version. The package unpacks to a fixed place in
 * the folder of temporary files, file by file: here it does so in a folder of its own, which then is renamed, so that
 * neither two tests at once nor two users come upon half of it, or upon each other's.
 */
export async function unpackChromium(temporary: string): Promise<Chromium> {
  const bin = join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..', 'bin');
  const folder = join(temporary, `switchboard-chromium-153.0.0-${process.getuid?.() ?? 0}`);
  if (!existsSync(folder)) {
    const own = mkdtempSync(`${folder}-`);
    await insideOf(own, async () => {
      packed.setGraphicsMode = false;
      await packed.executablePath(bin);
      await inflate(join(bin, 'al2023.tar.br'));
    });
    writeFileSync(join(own, 'fonts.conf'), fontsConf(join(folder, 'fonts'), join(folder, 'fonts-cache')));
    try {
      renameSync(own, folder);
    } catch (error) {
      // Another test was faster.
      rmSync(own, { recursive: true });
      if (!existsSync(folder)) throw error;
    }
  }
  const executablePath = join(folder, 'chromium');
  const env = { FONTCONFIG_FILE: join(folder, 'fonts.conf'), HOME: folder };
  // A machine that never had a browser may lack its libraries: the package has them too.
  const libraries = join(folder, 'al2023', 'lib');
  const needed = (await starts(executablePath, env)) ? {} : { LD_LIBRARY_PATH: libraries };
  return { executablePath, env: { ...env, ...needed } };
}

/** The package knows its folder by the environment alone. */
async function insideOf(folder: string, run: () => Promise<void>): Promise<void> {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  try {
    await run();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

const starts = (executablePath: string, env: Readonly<Record<string, string>>): Promise<boolean> =>
  promisify(execFile)(executablePath, ['--version', '--no-sandbox'], {
    env: { ...machineEnv(), ...env },
    timeout: 600_000,
  }).then(
    () => true,
    () => false,
  );

/** The package's fonts: pages look alike on every machine. */
const fontsConf = (fonts: string, cache: string): string =>
  `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${fonts}</dir><cachedir>${cache}</cachedir></fontconfig>
`;
