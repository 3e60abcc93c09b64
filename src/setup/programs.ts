import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The result of a program. */
export interface Output {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. A missing program gives exit code 127, as in a shell. */
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

/** As {@link run}, but calls `onLine` with each line of stdout as it comes. */
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

/** The last line that is not a notice or warning; pip and compilers put the cause there. */
export function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.findLast((line) => line !== '' && !/^(\[notice\]|warning:)/i.test(line)) ?? 'no message';
}

/** The first line with the message of an error, else the first that mentions one, else the last line. */
export function errorLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  const patterns = [/\b\w*error: \S/i, /\berror\b/i];
  for (const pattern of patterns) {
    const line = lines.find((one) => pattern.test(one));
    if (line) return line;
  }
  return lastLine(text);
}
