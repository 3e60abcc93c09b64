import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; a program that is not there is an exit code of 127, as in a shell. */
export async function run(
  program: string,
  args: string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<Output> {
  try {
    const options = { env: { ...process.env, ...environment }, maxBuffer: 1 << 26 };
    return { code: 0, ...(await execute(program, args, options)) };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code: unknown; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : 127, stdout, stderr };
  }
}

/** The same, telling each line of stdout as it comes. */
export function follow(
  program: string,
  args: string[],
  environment: NodeJS.ProcessEnv,
  onLine: (line: string) => void,
): Promise<Output> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    let rest = '';
    child.stdout.on('data', (data) => {
      stdout += data;
      const lines = (rest + data).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.on('error', () => resolve({ code: 127, stdout, stderr }));
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** The last line that says something: where pip and compilers put what went wrong. */
export function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '' && !/^(\[notice\]|warning:)/i.test(line)) ?? 'no message';
}

/** The first line that tells an error's message, else the first that names one, else the last one. */
export function errorLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const telling = [/\b\w*error: \S/i, /\berror\b/i];
  for (const pattern of telling) {
    const line = lines.find((one) => pattern.test(one));
    if (line) return line;
  }
  return lastLine(text);
}
