import { fileURLToPath } from 'node:url';

/**
 * The file of a worker thread's module: TypeScript in the sources, JavaScript in the build.
 * @param name its path without extension, relative to the module at `from`.
 * @param from import.meta.url of that module.
 */
export function threadModule(name: string, from: string): string {
  return fileURLToPath(new URL(name, from)) + (from.endsWith('.ts') ? '.ts' : '.js');
}
