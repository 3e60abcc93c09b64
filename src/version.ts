import { readFileSync } from 'node:fs';

/** The version that package.json names. */
export function packageVersion(): string {
  // dist/src and src lie at different depths below package.json.
  for (const up of ['../package.json', '../../package.json']) {
    try {
      return JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')).version;
    } catch {}
  }
  throw new Error('package.json is missing; install bat-sup again.');
}
