import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installPackage } from '../../src/setup/npm.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

/** Stands for `npm --prefix <folder> install ...`. */
function npmThat(body: string): string {
  const file = join(temporaryFolder(), 'npm');
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

test('the package is installed by its exact version, and its install script is not run', async () => {
  const folder = join(temporaryFolder(), 'native', 'npm');
  await installPackage(
    npmThat('mkdir -p "$2/node_modules"; echo "$@" > "$2/node_modules/arguments"'),
    folder,
  );
  assert.match(readFileSync(join(folder, 'node_modules', 'arguments'), 'utf8'), / install --ignore-scripts /);
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  assert.equal(dependencies['@tensorflow/tfjs-node-gpu'], '4.22.0');
  assert.deepEqual(readdirSync(join(folder, '..')), ['npm']);
});

const enotfound = `npm error code ENOTFOUND
npm error syscall getaddrinfo
npm error errno ENOTFOUND
npm error network request to https://registry.example/x failed, reason: getaddrinfo ENOTFOUND registry.example
npm error network This is a problem related to network connectivity.`;

for (const [what, npm, says] of [
  [
    'without a network',
    npmThat(`cat >&2 <<'END'\n${enotfound}\nEND\nexit 1`),
    /\(network request to .*ENOTFOUND/,
  ],
  ['where the registry lacks it', npmThat('echo "npm ERR! 404 Not Found" >&2; exit 1'), /\(404 Not Found\)/],
  ['without npm', join(temporaryFolder(), 'npm'), /^Downloading .* needs npm; install it/],
] as const) {
  test(`${what}: one line, and the folder is unchanged`, async () => {
    const folder = join(temporaryFolder(), 'npm');
    mkdirSync(folder);
    writeFileSync(join(folder, 'kept'), '');
    await assertRefused(installPackage(npm, folder), says);
    assert.ok(existsSync(join(folder, 'kept')));
    assert.deepEqual(readdirSync(join(folder, '..')), ['npm']);
  });
}
