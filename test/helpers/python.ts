import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The Python that scripts/prepare.mjs --tests gives TensorBoard. */
export const python = fileURLToPath(new URL('../../.cache/python/bin/python', import.meta.url));

/** Why a test that needs Python is skipped; false where it can run. In CI it must. */
export function withoutPython(): string | false {
  if (existsSync(python) || process.env.CI) return false;
  return 'needs Python with TensorBoard, which npm test could not install here';
}

/** Runs a script of ours and parses the JSON that it prints. */
export function runPython(script: URL, ...args: string[]) {
  const options = { encoding: 'utf8', maxBuffer: 1 << 26 } as const;
  return JSON.parse(execFileSync(python, [fileURLToPath(script), ...args], options));
}

/**
 * Why a test that needs a Python package is skipped; false where it can run.
 * @param inCi whether CI installs it, and so must run the test.
 */
export function withoutPackage(name: string, { inCi = true } = {}): string | false {
  if (inCi && process.env.CI) return false;
  const found =
    existsSync(python) && spawnSync(python, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0;
  return found ? false : `needs Python's ${name}, which ${inCi ? 'only CI' : 'no script here'} installs`;
}
