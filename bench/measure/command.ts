import { spawnSync } from 'node:child_process';

/** A whole program that is measured from its start to its end. */
export interface Command {
  name: string;
  command: readonly string[];
}

/** @throws {Error} where the command fails, with the last line of its stderr. */
export function timeCommand({ name, command }: Command, cwd: string): { seconds: number; stdout: string } {
  const [program = '', ...args] = command;
  const before = performance.now();
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const seconds = (performance.now() - before) / 1000;
  if (status !== 0) throw new Error(`${name} failed: ${stderr.trim().split('\n').at(-1)}`);
  return { seconds, stdout };
}
