/** The files of docs/cluster, by the linters and the schema that their formats have. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { globSync } from 'glob';
import { temporaryFolder } from '../helpers/folder.ts';
import { needs } from '../helpers/needs.ts';
import { python, runPython, withoutPackage } from '../helpers/python.ts';

const folder = fileURLToPath(new URL('../../docs/cluster', import.meta.url));
const checkPods = new URL('mpijob.py', import.meta.url);
const mpiJob = join(folder, 'mpijob.yaml');

const linter = (name: string) => join(dirname(python), name);

function without(name: string): string | false {
  return needs(name, existsSync(linter(name)));
}

function lint(name: string, args: string[], input = ''): void {
  const { status, stdout, stderr } = spawnSync(linter(name), args, { cwd: folder, encoding: 'utf8', input });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

describe('shellcheck finds nothing in', { skip: without('shellcheck') }, () => {
  for (const file of globSync('*.{sh,sbatch}', { cwd: folder })) test(file, () => lint('shellcheck', [file]));
});

describe('hadolint finds nothing in', { skip: without('hadolint') }, () => {
  for (const file of globSync('Dockerfile*', { cwd: folder, ignore: '*.dockerignore' }))
    test(file, () => lint('hadolint', [file]));
});

describe('the pods of mpijob.yaml', { skip: withoutPackage('kubernetes_validate') }, () => {
  test('are valid for Kubernetes', () => {
    assert.deepEqual(runPython(checkPods, mpiJob).errors, []);
  });

  test('are invalid if a field is misspelt or of another type', () => {
    const broken = join(temporaryFolder(), 'mpijob.yaml');
    const text = readFileSync(mpiJob, 'utf8');
    writeFileSync(broken, text.replace('workingDir', 'workdir').replace('[/usr/sbin/sshd, -De]', 'sshd'));
    const [launcher, worker, ...more] = runPython(checkPods, broken).errors;
    assert.match(launcher, /^Launcher: .*'workdir' was unexpected/);
    assert.match(worker, /^Worker: 'sshd' is not of type 'array'/);
    assert.deepEqual(more, []);
  });

  test('run a script in which shellcheck finds nothing', { skip: without('shellcheck') }, () => {
    const { scripts } = runPython(checkPods, mpiJob);
    assert.equal(scripts.length, 1);
    for (const script of scripts) lint('shellcheck', ['--shell=sh', '-'], script);
  });
});
