import { tmpdir } from 'node:os';
import { type Browser, chromium } from 'playwright-core';
import { machineEnv } from '../support/environment.ts';
import { unpackChromium } from './chromium.ts';

/**
 * A real Chromium. It runs as any user, root too, on a machine that has no browser. It keeps what browsers keep from
 * pages (the package's own flags switch that off): tests want to see it.
 */
export async function startBrowser(): Promise<Browser> {
  const { executablePath, env } = await unpackChromium(tmpdir());
  return chromium.launch({
    executablePath,
    env: { ...machineEnv(), ...env, TMPDIR: tmpdir() },
    // Chromium's own sandbox refuses root, and needs namespaces that containers often lack.
    args: [
      '--no-sandbox',
      '--disable-setuid-sandbox',
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--font-render-hinting=none',
    ],
    timeout: 600_000,
  });
}
