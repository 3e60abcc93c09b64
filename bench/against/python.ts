import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const environments = join(folder, '../../.cache/bench-python');

/** Each has a list of packages, requirements-<name>.txt. */
export type Packages =
  | 'pytorch'
  | 'keras'
  | 'augmentor'
  | 'pictures'
  | 'pillow-simd'
  | 'onnxruntime'
  | 'transfer'
  | 'scikit-learn'
  | 'labels';

/**
 * A Python that has these packages. Their environment is made once, and again when the list of packages changes.
 * @param given the path of a Python to use instead.
 */
export function pythonWith(packages: Packages, given = ''): string {
  if (given) return given;
  const environment = join(environments, packages);
  const python = join(environment, 'bin', 'python');
  const requirements = join(folder, `requirements-${packages}.txt`);
  const ready = join(environment, '.ready');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return python;
  console.error(`Installing ${packages} to compare with, into ${environment} ...`);
  mkdirSync(environment, { recursive: true });
  execFileSync('python3', ['-m', 'venv', environment], { stdio: ['ignore', 2, 2] });
  const install = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements];
  execFileSync(python, install, { stdio: ['ignore', 2, 2] });
  writeFileSync(ready, wanted);
  return python;
}

/** The command that runs a script of this folder. */
export function pythonScript(python: string, script: string, ...args: (string | number)[]): string[] {
  return [python, join(folder, script), ...args.map(String)];
}
