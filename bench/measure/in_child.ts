import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs a benchmark in a process of its own, so that neither finds what the other has left in memory.
 * @param bench its import.meta.url.
 * @param environment tells the child what it is to measure.
 * @returns what it sends first.
 */
export function inChild<Measured>(bench: string, environment: Record<string, string>): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(bench), process.argv.slice(2), {
      env: { ...process.env, ...environment },
      execArgv: ['--import', 'tsx'],
    });
    child.on('message', (measured) => resolve(measured as Measured));
    const what = Object.values(environment).join(' ');
    child.on('exit', (code) => reject(new Error(`Measuring ${what} ended with exit code ${code}.`)));
  });
}
