import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Runs a benchmark again in a process of its own, so that its memory and its engine are its own. The child gets the same
 * flags, finds the task with `taskOfChild` and sends the result with `answerParent`.
 * @param bench its import.meta.url.
 */
export function inChild<Result>(bench: string, task: unknown): Promise<Result> {
  const description = JSON.stringify(task);
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(bench), process.argv.slice(2), {
      env: { ...process.env, BENCH_TASK: description },
      execArgv: ['--import', 'tsx'],
    });
    child.on('message', (result) => resolve(result as Result));
    child.on('exit', (code) => reject(new Error(`Measuring ${description} ended with exit code ${code}.`)));
  });
}

/** What this process is to measure, in a child; undefined in the benchmark's first process. */
export function taskOfChild<Task>(): Task | undefined {
  const task = process.env.BENCH_TASK;
  return task === undefined ? undefined : JSON.parse(task);
}

export function answerParent(result: unknown): void {
  process.send?.(result);
  process.disconnect();
}
