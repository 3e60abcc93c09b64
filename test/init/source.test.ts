import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installedFrom } from '../../src/init/source.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** A project with bat-sup in it, as npm notes what it installed. */
function installed(locked: Record<string, unknown>): { project: string; root: string } {
  const project = realpathSync(temporaryFolder());
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'bat-sup'), { recursive: true });
  const packages = { 'node_modules/bat-sup': { version: '0.1.0', ...locked } };
  writeFileSync(join(modules, '.package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }));
  return { project, root: join(modules, 'bat-sup') };
}

test('a tarball in any folder, if it exists', () => {
  const { project, root } = installed({ resolved: 'file:my downloads/50 % #1/bat-sup-0.1.0.tgz' });
  const tarball = join(project, 'my downloads', '50 % #1', 'bat-sup-0.1.0.tgz');
  assert.equal(installedFrom(root), `file:${root}`);
  mkdirSync(join(tarball, '..'), { recursive: true });
  writeFileSync(tarball, '');
  assert.equal(installedFrom(root), `file:${tarball}`);
});

test('the registry, also a private one, and if npm leaves out the address', () => {
  for (const resolved of [
    'https://registry.example/bat-sup/-/bat-sup-0.1.0.tgz',
    'http://localhost:4873/npm/bat-sup/-/bat-sup-0.1.0.tgz',
    undefined,
  ])
    assert.equal(installedFrom(installed({ resolved }).root), '0.1.0');
});

test('an address, of git or of a file', () => {
  for (const resolved of [
    'git+ssh://git@example.org/someone/bat-sup.git#5db883d2a0f7a4c3c5b1d0e9f8a7b6c5d4e3f2a1',
    'https://example.org/releases/download/v0.1.0/bat-sup-0.1.0.tgz',
  ])
    assert.equal(installedFrom(installed({ resolved }).root), resolved);
});

test('the folder of a global installation, which npm does not record, and of a clone', () => {
  const { root } = installed({});
  rmSync(join(root, '..', '.package-lock.json'));
  assert.equal(installedFrom(root), `file:${root}`);
  const clone = realpathSync(temporaryFolder());
  assert.equal(installedFrom(clone), `file:${clone}`);
});

test('a folder that npm has linked', () => {
  const { root } = installed({ resolved: '../clone', link: true });
  rmSync(root, { recursive: true });
  symlinkSync(temporaryFolder(), root);
  assert.equal(installedFrom(root), `file:${root}`);
});
