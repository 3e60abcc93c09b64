import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { batSup, programAsTyped, withCommandsAsTyped } from '../../src/system/command.ts';
import { temporaryFolder } from '../helpers/folder.ts';

/** A package as npm unpacks it. */
function writePackage(root: string): string {
  mkdirSync(join(root, 'dist', 'bin'), { recursive: true });
  writeFileSync(join(root, 'dist', 'bin', 'bat-sup.js'), '');
  return root;
}

function link(folder: string, root: string): string {
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, 'dist', 'bin', 'bat-sup.js'), join(folder, 'bat-sup'));
  return folder;
}

/** As npm does on Windows, which has no links. */
function script(folder: string): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'bat-sup'), '#!/bin/sh');
  writeFileSync(join(folder, 'bat-sup.cmd'), '@ECHO off');
  return folder;
}

const newFolder = () => realpathSync(temporaryFolder());

test('installed globally: its name, whatever else is on the PATH', () => {
  const prefix = newFolder();
  const root = writePackage(join(prefix, 'lib', 'node_modules', 'bat-sup'));
  const path = ['/nonexistent', '', link(join(prefix, 'bin'), root)].join(delimiter);
  assert.equal(programAsTyped({ root, cwd: newFolder(), path }), 'bat-sup');
});

test('a clone that is linked globally: its name', () => {
  const [clone, prefix] = [writePackage(newFolder()), newFolder()];
  mkdirSync(join(prefix, 'lib', 'node_modules'), { recursive: true });
  const linked = join(prefix, 'lib', 'node_modules', 'bat-sup');
  symlinkSync(clone, linked);
  assert.equal(
    programAsTyped({ root: clone, cwd: newFolder(), path: link(join(prefix, 'bin'), linked) }),
    'bat-sup',
  );
});

test('installed in the project, or in one above: npx, even if npx itself changed the PATH', () => {
  const project = newFolder();
  const root = writePackage(join(project, 'node_modules', 'bat-sup'));
  const path = link(join(project, 'node_modules', '.bin'), root);
  const below = join(project, 'rawdata', 'bat');
  mkdirSync(below, { recursive: true });
  for (const cwd of [project, below]) assert.equal(programAsTyped({ root, cwd, path }), 'npx bat-sup');
});

test('outside the project: its file, quoted if the shell needs it', () => {
  const project = newFolder();
  const root = writePackage(join(project, 'my project', 'node_modules', 'bat-sup'));
  const path = link(join(project, 'my project', 'node_modules', '.bin'), root);
  const program = join(root, 'dist', 'bin', 'bat-sup.js');
  assert.equal(programAsTyped({ root, cwd: newFolder(), path }), `node '${program}'`);
});

test('another bat-sup on the PATH or in the project is not ours', () => {
  const [project, prefix, clone] = [newFolder(), newFolder(), writePackage(newFolder())];
  const other = writePackage(join(project, 'node_modules', 'bat-sup'));
  link(join(project, 'node_modules', '.bin'), other);
  const path = link(join(prefix, 'bin'), other);
  const program = join(clone, 'dist', 'bin', 'bat-sup.js');
  assert.equal(programAsTyped({ root: clone, cwd: project, path }), `node ${program}`);
  // Ours is second on the PATH, so typing its name would start the other one.
  const ours = link(join(newFolder(), 'bin'), clone);
  assert.equal(
    programAsTyped({ root: clone, cwd: project, path: [path, ours].join(delimiter) }),
    `node ${program}`,
  );
});

test('in a clone: its file from there', () => {
  const clone = writePackage(newFolder());
  assert.equal(programAsTyped({ root: clone, cwd: clone, path: '' }), 'node dist/bin/bat-sup.js');
});

test('the script that pnpm makes in a project', () => {
  const project = newFolder();
  const modules = join(project, 'node_modules');
  const root = writePackage(join(modules, '.pnpm', 'bat-sup@0.1.0', 'node_modules', 'bat-sup'));
  mkdirSync(join(modules, '.bin'), { recursive: true });
  writeFileSync(join(modules, '.bin', 'bat-sup'), '#!/bin/sh');
  symlinkSync(root, join(modules, 'bat-sup'));
  assert.equal(programAsTyped({ root, cwd: project, path: '' }), 'npx bat-sup');
});

test('the scripts that npm makes on Windows, global and in a project', () => {
  const prefix = newFolder();
  const global = writePackage(join(prefix, 'node_modules', 'bat-sup'));
  assert.equal(programAsTyped({ root: global, cwd: newFolder(), path: script(prefix) }), 'bat-sup');
  const project = newFolder();
  const local = writePackage(join(project, 'node_modules', 'bat-sup'));
  script(join(project, 'node_modules', '.bin'));
  assert.equal(programAsTyped({ root: local, cwd: project, path: '' }), 'npx bat-sup');
});

test('messages name commands as the user types them', () => {
  const typed = programAsTyped();
  assert.equal(batSup('train --resume'), `${typed} train --resume`);
  assert.equal(
    withCommandsAsTyped('bat-sup: no checkpoint; run "bat-sup train" first, then "bat-sup lr-find --help".'),
    `bat-sup: no checkpoint; run "${typed} train" first, then "${typed} lr-find --help".`,
  );
  const named = '"bat-sup" is its name; "my bat-sup train" and "bat-sup.jpg" are not commands.';
  assert.equal(withCommandsAsTyped(named), named);
});
