import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { quotaBelow, usableCores } from '../../src/system/cores.ts';

const unlimited = Number.POSITIVE_INFINITY;

/** The quota where the file system holds these files. */
function quotaWith(files: Record<string, string>): number {
  const root = mkdtempSync(join(tmpdir(), 'cores-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), `${text}\n`);
    }
    return quotaBelow(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

function version2(cgroup: string, files: Record<string, string>, root = '/'): number {
  return quotaWith({
    'proc/self/cgroup': `0::${cgroup}`,
    'proc/self/mountinfo': [
      '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
      `31 22 0:27 ${root} /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate`,
    ].join('\n'),
    ...files,
  });
}

function version1(cgroup: string, files: Record<string, string>, root = '/'): number {
  return quotaWith({
    'proc/self/cgroup': `5:memory:/other\n4:cpu,cpuacct:${cgroup}\n3:cpuset:/other\n0::/unified`,
    'proc/self/mountinfo': [
      '31 22 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      '32 22 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset',
      `33 22 0:29 ${root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct`,
    ].join('\n'),
    ...files,
  });
}

function limit1(folder: string, quota: string, period = '100000'): Record<string, string> {
  const at = join('sys/fs/cgroup/cpu,cpuacct', folder);
  return { [join(at, 'cpu.cfs_quota_us')]: quota, [join(at, 'cpu.cfs_period_us')]: period };
}

test('cpu.max of the cgroup is its quota, and max is none', () => {
  assert.equal(version2('/a', { 'sys/fs/cgroup/a/cpu.max': '150000 100000' }), 1.5);
  assert.equal(version2('/a', { 'sys/fs/cgroup/a/cpu.max': '20000 10000' }), 2);
  assert.equal(version2('/a', { 'sys/fs/cgroup/a/cpu.max': 'max 100000' }), unlimited);
  assert.equal(version2('/a', { 'sys/fs/cgroup/b/cpu.max': '100000 100000' }), unlimited);
});

test('quotas of the cgroups above hold as well: the least one counts', () => {
  const above = { 'sys/fs/cgroup/pods/cpu.max': '100000 100000' };
  assert.equal(version2('/pods/one/main', above), 1);
  assert.equal(version2('/pods/one', { ...above, 'sys/fs/cgroup/pods/one/cpu.max': '300000 100000' }), 1);
  assert.equal(version2('/pods/one', { ...above, 'sys/fs/cgroup/pods/one/cpu.max': '50000 100000' }), 0.5);
  assert.equal(version1('/pods/one', { ...limit1('pods', '200000'), ...limit1('pods/one', '-1') }), 2);
});

test('in a container the cgroup is the root of the mount, whatever its path', () => {
  const own = { 'sys/fs/cgroup/cpu.max': '200000 100000' };
  assert.equal(version2('/', own), 2);
  assert.equal(version2('/system.slice/docker-1.scope', own), 2);
  assert.equal(version2('/../../outside', own), 2);
  assert.equal(version2('/docker/1', own, '/docker/1'), 2);
  assert.equal(version2('/docker/10', { ...own, 'sys/fs/cgroup/0/cpu.max': '1 100' }, '/docker/1'), 2);
  assert.equal(version2('/docker/1/job', { 'sys/fs/cgroup/job/cpu.max': '100 100' }, '/docker/1'), 1);
  assert.equal(version1('/docker/1', limit1('.', '50000'), '/docker/1'), 0.5);
});

test('version 1 has the quota and its period in two files, and -1 for none', () => {
  assert.equal(version1('/a', limit1('a', '400000')), 4);
  assert.equal(version1('/a', limit1('a', '25000', '50000')), 0.5);
  assert.equal(version1('/a', limit1('a', '-1')), unlimited);
});

test('what is missing or damaged is no limit', () => {
  assert.equal(quotaWith({}), unlimited);
  assert.equal(quotaWith({ 'proc/self/cgroup': '0::/' }), unlimited);
  assert.equal(
    quotaWith({ 'proc/self/cgroup': '\0', 'proc/self/mountinfo': ' - cgroup2\n - \n\n1' }),
    unlimited,
  );
  for (const text of ['', '1', 'one two', '100000 0', '0 100000', '-5 -5', 'NaN NaN'])
    assert.equal(version2('/', { 'sys/fs/cgroup/cpu.max': text }), unlimited, text);
  const { 'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': quota = '' } = limit1('.', '100000');
  assert.equal(version1('/', { 'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': quota }), unlimited);
});

test('a mount whose path has a space is found', () => {
  const files = {
    'proc/self/cgroup': '0::/a',
    'proc/self/mountinfo': '31 22 0:27 / /my\\040groups rw - cgroup2 none rw',
    'my groups/a/cpu.max': '100000 100000',
  };
  assert.equal(quotaWith(files), 1);
});

test('this process may use at least one core, and none that it may not run on', () => {
  assert.ok(Number.isInteger(usableCores()));
  assert.ok(usableCores() >= 1 && usableCores() <= availableParallelism());
});
