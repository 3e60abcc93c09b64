import { existsSync } from 'node:fs';

/** Debian's Chromium, which scripts/prepare.mjs --tests installs in CI. */
export const chromium = '/usr/bin/chromium';

/** Why a test that needs a browser is skipped; false where it can run. In CI it must. */
export function withoutChromium(): string | false {
  if (existsSync(chromium) || process.env.CI) return false;
  return 'needs Chromium: apt-get install chromium';
}
