import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../test/helpers/folder.ts';

/** A whole program that is measured from its start to its end. */
export interface Command {
  name: string;
  command: readonly string[];
}

export interface Ran {
  /** By the clock. */
  seconds: number;
  /** Of the processor, all threads and child processes together. */
  cpuSeconds: number;
  stdout: string;
}

/** Runs a command, and prints the processor time of the shell and of its children (POSIX, `times`). */
const shell = ['-c', '"$@"; code=$?; times >&2; exit $code', 'sh'];

/** 1m2.5s 0m0.1s -> 62.6 */
function secondsIn(times: string): number {
  const parts = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}

/** @throws {Error} where the command fails, with the last line of its stderr. */
export function timeCommand({ name, command }: Command, cwd: string): Ran {
  const before = performance.now();
  const { status, stdout, stderr } = spawnSync('sh', [...shell, ...command], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - before) / 1000;
  const lines = stderr.trim().split('\n');
  if (status !== 0) throw new Error(`${name} failed: ${lines.at(-3)}`);
  return { seconds, cpuSeconds: secondsIn(lines.at(-1) ?? ''), stdout };
}

/** Writes a process's processor time in seconds to a file when it ends. A worker thread ends first, and counts as part of it. */
const writeProcessorTime = `data:text/javascript,import{writeFileSync}from'node:fs';import{isMainThread}from'node:worker_threads';if(isMainThread)process.on('exit',()=>{const{user,system}=process.cpuUsage();writeFileSync(process.env.BENCH_PROCESSOR_TIME,String((user+system)/1e6))})`;

/**
 * As {@link timeCommand}, for a program in Node: also the processor time of all its threads, in seconds.
 * @param args of `node`.
 */
export function timeNode(
  name: string,
  args: readonly string[],
  cwd: string,
): { seconds: number; processorSeconds: number; stdout: string } {
  const file = join(temporaryFolder(), 'seconds');
  process.env.BENCH_PROCESSOR_TIME = file;
  const command = [process.execPath, '--import', writeProcessorTime, ...args];
  const timed = timeCommand({ name, command }, cwd);
  return { ...timed, processorSeconds: Number(readFileSync(file, 'utf8')) };
}
