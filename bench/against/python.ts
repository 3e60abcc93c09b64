import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const environment = join(folder, '../../.cache/bench-python');

/** A Python with the packages to compare with: the one given, or an environment of our own, made once for each list of them. */
export function pythonWith(
  given: string | undefined,
  packages: 'pytorch' | 'keras' | 'augmentor' | 'pictures' | 'onnxruntime',
): string {
  if (given) return given;
  const place = join(environment, packages);
  const python = join(place, 'bin', 'python');
  const requirements = join(folder, `requirements-${packages}.txt`);
  const ready = join(place, '.ready');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(ready) && readFileSync(ready, 'utf8') === wanted) return python;
  console.error(`Installing ${packages} to compare with, into ${place} ...`);
  mkdirSync(place, { recursive: true });
  execFileSync('python3', ['-m', 'venv', place], { stdio: ['ignore', 2, 2] });
  const install = ['-m', 'pip', 'install', '--quiet', '--requirement', requirements];
  execFileSync(python, install, { stdio: ['ignore', 2, 2] });
  writeFileSync(ready, wanted);
  return python;
}

/** A script that answers each line on stdin with a line of JSON on stdout, after a first one of its own. */
export function startScript(python: string, script: string, args: string[]) {
  const child = spawn(python, [join(folder, script), ...args], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${script} ended early; run it by hand to see why.`);
    return JSON.parse(value);
  };
  return {
    next,
    ask(line: string) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    stop: () => child.kill(),
  };
}
