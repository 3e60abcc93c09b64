import { existsSync } from 'node:fs';
import { needs } from './needs.ts';

/** Debian's Chromium. */
export const chromium = '/usr/bin/chromium';

/** Why a test that needs a browser is skipped, or false if it can run. */
export function withoutChromium(): string | false {
  return needs('Chromium', existsSync(chromium));
}
