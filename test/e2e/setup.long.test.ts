import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cliWith } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/folder.ts';

const folder = temporaryFolder();

/** A machine where nothing is set up, with no programs but these. */
function bareMachine(programs: Record<string, string> = {}): Record<string, string> {
  const path = join(temporaryFolder(), 'bin');
  mkdirSync(path);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  return { XDG_CACHE_HOME: temporaryFolder(), PATH: path, BATSUP_ENGINE: 'auto' };
}

const cases = [
  { what: 'two devices', args: ['--cpu', '--cuda'], code: 2, says: /--cpu and --cuda exclude each other/ },
  {
    what: 'no compiler',
    args: [],
    code: 1,
    says: /needs a C\+\+ compiler; install one: "sudo apt install g\+\+/,
  },
  {
    what: 'no Python',
    args: [],
    programs: { 'c++': '' },
    code: 1,
    says: /Python 3 with pip.*sudo apt install/,
  },
  {
    what: 'a Python without pip',
    args: [],
    programs: { 'c++': '', python3: '[ "$1" = --version ]' },
    code: 1,
    says: /needs pip, which python3 does not have.*python3-pip/,
  },
  {
    what: 'a pip that reaches no package index',
    args: [],
    programs: {
      'c++': '',
      python3: 'case "$*" in *--version) ;; *) echo "ERROR: Could not find a version" >&2; exit 1;; esac',
    },
    code: 1,
    says: /pip cannot find tensorflow.*Could not find a version.*check the network/,
  },
  {
    what: 'a folder without a library',
    args: ['--libtensorflow', folder],
    code: 1,
    says: /holds no TensorFlow library; it needs include\/tensorflow\/c\/c_api\.h/,
  },
];

for (const { what, args, programs, code, says } of cases) {
  test(`setup, ${what}: one line and exit code ${code}`, async () => {
    const machine = bareMachine(programs);
    const run = await cliWith(machine, folder, 'setup', ...args);
    assert.equal(run.code, code, run.stderr);
    assert.match(run.stderr, says);
    assert.equal(run.stderr.trim().split('\n').length, 1, run.stderr);
    assert.ok(!existsSync(join(machine.XDG_CACHE_HOME as string, 'bat-sup', 'native', 'in-use.json')));
  });
}

test('setup --remove says so if nothing is set up', async () => {
  const run = await cliWith(bareMachine(), folder, 'setup', '--remove', '--json');
  assert.deepEqual(JSON.parse(run.stdout), { removed: null });
});

test('doctor reports what is missing, and the command to install it', async () => {
  const run = await cliWith(bareMachine(), folder, 'doctor', '--json');
  assert.equal(run.code, 0, run.stderr);
  const { engine, why, native, engines, missing, sharp } = JSON.parse(run.stdout);
  assert.equal(engine, 'wasm');
  assert.match(why, /cuda, native/);
  assert.equal(native, null);
  assert.match(engines.find(({ name }: { name: string }) => name === 'native').reason, /bat-sup\.js setup"/);
  assert.ok(missing.some((text: string) => text.includes('apt install g++')));
  assert.ok(missing.some((text: string) => text.includes('bat-sup.js setup"')));
  assert.match(sharp, /^\d/);
});

/** As if this were another machine: Node's own `process` says so, once sharp has loaded its library for this one. */
function asIfOn(platform: string, arch: string): Record<string, string> {
  const file = join(temporaryFolder(), 'machine.mjs');
  const machine = JSON.stringify({ platform, arch });
  writeFileSync(
    file,
    `import ${JSON.stringify(import.meta.resolve('sharp'))};
for (const [name, value] of Object.entries(${machine})) Object.defineProperty(process, name, { value });`,
  );
  return { ...bareMachine(), NODE_OPTIONS: `--import ${file}` };
}

for (const [platform, arch, name] of [
  ['darwin', 'arm64', 'macOS (arm64)'],
  ['win32', 'x64', 'Windows (x64)'],
] as const) {
  for (const args of [[], ['--cpu'], ['--dry-run'], ['--from-official'], ['--libtensorflow', '.']]) {
    test(`setup ${args.join(' ')} on ${name} says what runs there`, async () => {
      const { code, stdout, stderr } = await cliWith(asIfOn(platform, arch), folder, 'setup', ...args);
      assert.deepEqual([code, stdout], [1, '']);
      assert.ok(stderr.includes(`not on ${name}; the engines wasm and cpu run here`), stderr);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
    });
  }

  test(`--version on ${name} advertises no setup`, async () => {
    const { code, stdout } = await cliWith(asIfOn(platform, arch), folder, '--version');
    assert.equal(code, 0);
    assert.match(stdout, /^engine +embedded, WebAssembly$/m);
  });
}

// Node itself handles paths as Windows does where it is told so, and finds no file here any more.
test('doctor and train on macOS advertise no setup', async () => {
  const machine = asIfOn('darwin', 'arm64');
  const doctor = await cliWith(machine, folder, 'doctor');
  assert.equal(doctor.code, 0, doctor.stderr);
  assert.match(doctor.stdout, /^engine +wasm:/);
  assert.match(doctor.stdout, /native +does not run: TensorFlow can be set up on Linux/);
  assert.doesNotMatch(doctor.stdout, /setup"|missing/);

  const project = temporaryFolder();
  await cliWith({}, project, 'init', '--sample');
  const trained = await cliWith(machine, project, 'train', '--width', '8', '--height', '8', '--epochs', '1');
  assert.equal(trained.code, 0, trained.stderr);
  assert.match(trained.stderr, /^Engine: WebAssembly/m);
  assert.doesNotMatch(trained.stderr, /setup/);
});

test('doctor fails if the requested engine cannot run', async () => {
  const run = await cliWith(bareMachine(), folder, 'doctor', '--engine', 'cuda');
  assert.equal(run.code, 1);
  assert.match(run.stderr, /--engine cuda cannot run here/);
  assert.match(run.stdout, /wasm +runs/);
});
