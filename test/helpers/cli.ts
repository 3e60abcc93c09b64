import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { bin } from './bin.ts';
import { temporaryFolder } from './folder.ts';

export interface Run {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A folder for the PATH, as a global installation has one, so that messages name commands as "bat-sup train". */
const programs = temporaryFolder();
chmodSync(programs, 0o755);
symlinkSync(bin, join(programs, 'bat-sup'));

/** A user's environment, with the embedded engine, which runs everywhere. */
export function userEnvironment(): NodeJS.ProcessEnv {
  const PATH = `${programs}${delimiter}${process.env.PATH}`;
  return { BATSUP_ENGINE: 'wasm', ...process.env, PATH };
}

/** Starts the real command in a folder. */
export function startCli(
  folder: string,
  args: string[],
  environment: Record<string, string> = {},
  uid?: number,
): ChildProcess {
  const env = { ...userEnvironment(), ...environment };
  return spawn(process.execPath, [bin, ...args], { cwd: folder, env, ...(uid === undefined ? {} : { uid }) });
}

/** Waits for the end of a command. @param onStderr is called with its messages so far. */
export function finish(child: ChildProcess, onStderr: (soFar: string) => void = () => {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (data) => {
      stdout += data;
    });
    child.stderr?.on('data', (data) => {
      stderr += data;
      onStderr(stderr);
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/**
 * Waits for the end of a command, and calls `act` once when its messages include the text: by default, SIGINT.
 * @throws {Error} where they never do.
 */
export async function finishAfter(
  child: ChildProcess,
  text: string,
  act: () => unknown = () => child.kill('SIGINT'),
): Promise<Run> {
  let acted = false;
  const run = await finish(child, (soFar) => {
    if (acted || !soFar.includes(text)) return;
    acted = true;
    act();
  });
  if (!acted) throw new Error(`it never printed "${text}", but:\n${run.stderr}`);
  return run;
}

export function cli(folder: string, ...args: string[]): Promise<Run> {
  return cliWith({}, folder, ...args);
}

/** The same with further environment variables. */
export function cliWith(
  environment: Record<string, string>,
  folder: string,
  ...args: string[]
): Promise<Run> {
  const child = startCli(folder, args, environment);
  child.stdin?.end();
  return finish(child);
}
