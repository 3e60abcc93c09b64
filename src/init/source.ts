import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ourPackage } from '../system/version.ts';

/** A package in npm's node_modules/.package-lock.json. */
interface Locked {
  version: string;
  /** Where it was downloaded from; npm may leave it out for packages from its registry. */
  resolved?: string;
  link?: boolean;
}

function lockedIn(modules: string): Locked | undefined {
  try {
    const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'));
    return lock.packages['node_modules/bat-sup'];
  } catch {
    return undefined; // npm writes none for global packages, and other package managers have their own
  }
}

function isFromRegistry({ resolved, version }: Locked): boolean {
  return resolved === undefined || resolved.endsWith(`/bat-sup/-/bat-sup-${version}.tgz`);
}

/**
 * Where npm can install this very program from, as in package.json: the version if it came from a registry, otherwise
 * the tarball or URL that it came from, otherwise its folder.
 * @param root the package's folder, absolute.
 */
export function installedFrom(root = ourPackage().root): string {
  const modules = dirname(root);
  const locked = basename(modules) === 'node_modules' ? lockedIn(modules) : undefined;
  const folder = `file:${forNpm(root)}`;
  if (!locked || locked.link) return folder;
  if (isFromRegistry(locked)) return locked.version;
  const { resolved } = locked as Required<Locked>;
  if (!resolved.startsWith('file:')) return resolved;
  const tarball = resolve(dirname(modules), resolved.slice('file:'.length));
  return existsSync(tarball) ? `file:${forNpm(tarball)}` : folder;
}

function forNpm(path: string): string {
  return path.replaceAll('\\', '/');
}
