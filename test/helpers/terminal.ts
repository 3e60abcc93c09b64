import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { bin } from './bin.ts';
import { userEnvironment } from './cli.ts';
import { python } from './python.ts';

const script = fileURLToPath(new URL('./pseudo_terminal.py', import.meta.url));

/** What a user sees and can do while a command runs. */
export interface Screen {
  /** Lines without trailing blanks, and without empty lines at the end. */
  lines(): string[];
  resize(columns: number, rows: number): void;
  interrupt(): void;
}

export interface TerminalRun {
  code: number | null;
  /** Everything that went to the terminal. */
  raw: string;
  /** The final lines, including those scrolled away. A wrapped line counts as one. */
  lines: string[];
}

function linesOf({ buffer: { active } }: xterm.Terminal): string[] {
  const lines: string[] = [];
  for (let row = 0; row < active.length; row++) {
    const line = active.getLine(row);
    if (line?.isWrapped) lines.push(lines.pop() + line.translateToString(true));
    else lines.push(line?.translateToString(true) ?? '');
  }
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

/**
 * Runs the real command on a pseudo-terminal with a terminal emulator.
 * @param look is called after each chunk of output.
 */
export function cliOnTerminal(
  folder: string,
  args: string[],
  {
    columns = 80,
    rows = 24,
    environment = {},
    look = () => {},
  }: {
    columns?: number;
    rows?: number;
    environment?: Record<string, string>;
    look?: (screen: Screen) => void;
  } = {},
): Promise<TerminalRun> {
  const terminal = new xterm.Terminal({ cols: columns, rows, scrollback: 1000, allowProposedApi: true });
  const { NO_COLOR, ...rest } = userEnvironment();
  const env = { ...rest, TERM: 'xterm-256color', ...environment };
  const command = [script, String(columns), String(rows), process.execPath, bin, ...args];
  const child = spawn(python, command, { cwd: folder, env });
  const screen: Screen = {
    lines: () => linesOf(terminal),
    resize(newColumns, newRows) {
      terminal.resize(newColumns, newRows);
      child.stdin.write(`resize ${newColumns} ${newRows}\n`);
    },
    interrupt: () => child.stdin.write('type 03\n'),
  };
  return new Promise((resolve, reject) => {
    let raw = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      raw += data;
      terminal.write(data, () => look(screen));
    });
    child.stderr.pipe(process.stderr);
    child.on('error', reject);
    child.on('close', (code) => terminal.write('', () => resolve({ code, raw, lines: linesOf(terminal) })));
  });
}
