import { fileURLToPath } from 'node:url';

/**
 * The file of a thread's module: TypeScript here, JavaScript where it is built.
 * @param name its path without extension, from the module at `from`.
 * @param from that module's import.meta.url.
 */
export function threadModule(name: string, from: string): string {
  return fileURLToPath(new URL(name, from)) + (from.endsWith('.ts') ? '.ts' : '.js');
}
