import { homedir } from 'node:os';
import { join } from 'node:path';

/** Our folder in the user's cache, which all projects share (XDG Base Directory Specification 0.8). */
export function cacheFolder(): string {
  const given = process.env.XDG_CACHE_HOME;
  const cache = given?.startsWith('/') ? given : join(homedir(), '.cache');
  return join(cache, 'bat-sup');
}
