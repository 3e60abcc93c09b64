import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fetchWheel } from '../../src/setup/wheels.ts';
import { temporaryFolder } from '../helpers/folder.ts';
import { assertRefused } from '../helpers/refused.ts';

const content = 'what a wheel holds';
const sha256 = createHash('sha256').update(content).digest('hex');
const wheel = { name: 'tensorflow-cpu', version: '2.21.0', file: 'tensorflow_cpu-2.21.0.whl', sha256 };

/** Stands for `python3 -m pip download`: writes what a package index would send, and counts its calls. */
function pipThat(folder: string, body: string): string {
  const file = join(folder, 'python3');
  const lines = [
    '#!/bin/sh',
    `echo call >> "${folder}/calls"`,
    'while [ "$1" != --dest ]; do shift; done',
    body,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  chmodSync(file, 0o755);
  return file;
}

const downloads = `printf '%s' '${content}' > "$2/${wheel.file}"`;

test('a wheel is downloaded once, and again only if it is damaged', async () => {
  const folder = temporaryFolder();
  const python = pipThat(folder, downloads);
  const calls = () => readFileSync(join(folder, 'calls'), 'utf8').split('\n').length - 1;
  const file = await fetchWheel(python, wheel, folder, () => {});
  assert.equal(readFileSync(file, 'utf8'), content);
  await fetchWheel(python, wheel, folder, () => {});
  assert.equal(calls(), 1);
  writeFileSync(file, content.slice(0, 5));
  await fetchWheel(python, wheel, folder, () => {});
  assert.equal(calls(), 2);
  assert.equal(readFileSync(file, 'utf8'), content);
});

test('a wheel with another digest is not kept', async () => {
  const folder = temporaryFolder();
  const python = pipThat(folder, `printf 'something else' > "$2/${wheel.file}"`);
  await assertRefused(
    fetchWheel(python, wheel, folder, () => {}),
    /tensorflow_cpu-2\.21\.0\.whl does not have the SHA-256/,
  );
  assert.ok(!existsSync(join(folder, wheel.file)));
});

test('pip’s own reason for a failure is reported', async () => {
  const folder = temporaryFolder();
  const python = pipThat(folder, 'echo "ERROR: No matching distribution found" >&2; exit 1');
  await assert.rejects(
    fetchWheel(python, wheel, folder, () => {}),
    /No matching distribution found.*bat-sup setup/,
  );
});
