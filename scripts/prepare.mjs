/**
 * Makes a fresh clone ready: installs the locked packages and builds, each only where needed.
 * `--tests` also gives the tests a Python environment with the real TensorBoard.
 * Plain JavaScript on Node's own modules, since it runs before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = join(root, '.cache', 'python');

function run(command, args) {
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.wasm'));
  return Math.max(...files.map((file) => modified(join(file.parentPath ?? file.path, file.name))));
}

function installPackages() {
  if (modified(join(root, 'node_modules', '.package-lock.json')) >= modified(join(root, 'package-lock.json')))
    return;
  console.error('Installing the locked packages (npm ci) ...');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

function build() {
  const sources = Math.max(...['src', 'bin', 'scripts'].map((folder) => newestIn(join(root, folder))));
  if (modified(join(root, 'dist', '.built')) >= sources) return;
  console.error('Building ...');
  run(process.execPath, ['scripts/build.mjs']);
}

/** The tests read our event files back with TensorBoard; without Python they say that they skip this. */
function preparePython() {
  const ready = join(python, '.ready');
  if (modified(ready) >= modified(join(root, 'test', 'requirements.txt'))) return;
  console.error('Installing TensorBoard for the tests (pip) ...');
  try {
    run('python3', ['-m', 'venv', python]);
    run(join(python, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--requirement',
      'test/requirements.txt',
    ]);
    writeFileSync(ready, '');
  } catch (error) {
    if (process.env.CI) throw error;
    console.error('No Python with TensorBoard could be set up; the tests that need it will be skipped.');
  }
}

mkdirSync(join(root, '.cache'), { recursive: true });
installPackages();
build();
if (process.argv.includes('--tests')) preparePython();
