/** The completion scripts in the real shells, typed at on a terminal. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { needs } from '../helpers/needs.ts';
import { python, withoutPython } from '../helpers/python.ts';

const terminal = fileURLToPath(new URL('../helpers/pseudo_terminal.py', import.meta.url));
const folder = temporaryFolder();
const tab = '\t';

/** What is typed after bat-sup, and the words that it becomes. */
const typed: [keys: string, words: string][] = [
  [`trai${tab}`, 'train'],
  [`train --engi${tab}was${tab}`, 'train --engine wasm'],
  [`train --resum${tab}--epo${tab}3`, 'train --resume --epochs 3'],
  [`checkpoints pru${tab}--dry${tab}`, 'checkpoints prune --dry-run'],
  [`export --format onn${tab}--weights fl${tab}32`, 'export --format onnx --weights float32'],
  [`predict rawd${tab}`, 'predict rawdata'],
  [`predict --checkpoint check${tab}`, 'predict --checkpoint checkpoints'],
  [`help expo${tab}`, 'help export'],
  [`completion zs${tab}`, 'completion zsh'],
];

/** How each shell is started without anybody's settings, and reads the script. */
const shells: Record<string, { command: string[]; print: string; load: string }> = {
  bash: {
    command: ['bash', '--norc', '--noprofile', '-i'],
    print: 'bat-sup() { echo "<$*>"; }',
    load: 'source ./script',
  },
  zsh: {
    command: ['zsh', '-f', '-i'],
    print: 'bat-sup() { echo "<$*>"; }',
    load: 'autoload -U compinit; compinit -u -D; source ./script',
  },
  fish: {
    command: ['fish', '--no-config', '-i'],
    print: 'function bat-sup; echo "<$argv>"; end',
    load: 'source ./script',
  },
};

function skipped(shell: string): string | false {
  return needs(shell, spawnSync(shell, ['--version']).status === 0) || withoutPython();
}

before(() => {
  for (const name of ['rawdata', 'checkpoints']) mkdirSync(join(folder, name));
});

/** Types lines on a terminal, each once the one before is answered, and gives the words of the calls of bat-sup. */
function typeIn(command: string[], lines: string[]): Promise<string[]> {
  const env = { PATH: process.env.PATH, HOME: folder, TERM: 'dumb', LANG: 'C.UTF-8' };
  const child = spawn(python, [terminal, '200', '50', ...command], { cwd: folder, env });
  const waiting = [...lines, 'exit'];
  let output = '';
  const answers = () => [...output.matchAll(/^<(.*?)>\r?$/gm)].map(([, words]) => words as string);
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      output += data;
      if (waiting.length + answers().length < lines.length + 1) return;
      const line = waiting.shift();
      if (line !== undefined) child.stdin.write(`type ${Buffer.from(`${line}\r`).toString('hex')}\n`);
    });
    child.on('error', reject);
    child.on('close', () => resolve(answers()));
  });
}

for (const [shell, { command, print, load }] of Object.entries(shells)) {
  test(`${shell} completes commands, options, values and files`, { skip: skipped(shell) }, async () => {
    const { code, stdout, stderr } = await cli(folder, 'completion', shell);
    assert.equal(code, 0, stderr);
    writeFileSync(join(folder, 'script'), stdout);
    const lines = typed.map(([keys]) => `bat-sup ${keys}`);
    const [, ...answers] = await typeIn(command, [`${print}; ${load}; bat-sup ready`, ...lines]);
    assert.deepEqual(
      // zsh takes a folder's last slash away again.
      answers.map((words) => words.trim().replace(/\/$/, '')),
      typed.map(([, words]) => words),
    );
  });
}

test('an unknown shell is refused', async () => {
  const { code, stderr } = await cli(folder, 'completion', 'tcsh');
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});
