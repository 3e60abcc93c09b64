import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needs } from './needs.ts';

/** The environment that `npm run test:all` makes, with pinned versions of the packages that tests compare with. */
const environment = fileURLToPath(new URL('../../.cache/python', import.meta.url));
const own = join(environment, 'bin', 'python');

/** That environment's Python, or else the machine's, without any packages to rely on. */
export const python = existsSync(own) ? own : 'python3';

/** Why a test that needs Python without packages is skipped, or false if it can run. */
export function withoutPython(): string | false {
  return needs('Python 3', spawnSync(python, ['--version']).status === 0);
}

/** Why a test that needs Python packages is skipped, or false if it can run. @param names as they are imported. */
export function withoutPackage(...names: string[]): string | false {
  const missing = names.filter((name) => !isInstalled(name));
  return needs(`Python with ${missing.join(' and ')}`, missing.length === 0);
}

function isInstalled(name: string): boolean {
  const library = join(environment, 'lib');
  const versions = existsSync(library) ? readdirSync(library) : [];
  return versions.some((version) => existsSync(join(library, version, 'site-packages', name)));
}

/** Runs one of our scripts and parses the JSON that it prints. */
export function runPython(script: URL, ...args: string[]) {
  const options = { encoding: 'utf8', maxBuffer: 1 << 26 } as const;
  return JSON.parse(execFileSync(python, [fileURLToPath(script), ...args], options));
}
