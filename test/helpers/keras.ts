import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { python } from './python.ts';

/** Why a test against Keras is skipped; false where it can run. In CI it must. */
export function withoutKeras(): string | false {
  if (process.env.CI) return false;
  const library = join(python, '../../lib');
  const versions = existsSync(library) ? readdirSync(library) : [];
  const installed = versions.some((version) => existsSync(join(library, version, 'site-packages/keras')));
  return installed ? false : 'needs Keras, which only CI installs';
}
