import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Package {
  /** Its real folder. */
  root: string;
  version: string;
}

/** The folder and the version of this package. */
export function ourPackage(): Package {
  // dist/src/system and src/system are at different depths below package.json.
  for (const up of ['../../', '../../../']) {
    const folder = new URL(up, import.meta.url);
    try {
      const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
      return { root: resolve(fileURLToPath(folder)), version };
    } catch {}
  }
  throw new Error('The package.json of bat-sup is missing; install bat-sup again.');
}

/** The version of this package. */
export function packageVersion(): string {
  return ourPackage().version;
}
