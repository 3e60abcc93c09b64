import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Package {
  /** Its folder, absolute, without links. */
  root: string;
  version: string;
}

/** This package, as its package.json and its place on the disk tell. */
export function ourPackage(): Package {
  // dist/src/system and src/system lie at different depths below package.json.
  for (const up of ['../../', '../../../']) {
    const folder = new URL(up, import.meta.url);
    try {
      const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
      return { root: resolve(fileURLToPath(folder)), version };
    } catch {}
  }
  throw new Error('package.json is missing; install bat-sup again.');
}

/** The version that package.json names. */
export function packageVersion(): string {
  return ourPackage().version;
}
