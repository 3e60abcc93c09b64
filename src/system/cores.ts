import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';

interface Mount {
  /** The cgroup that is mounted: '/', or in a container often the container's. */
  root: string;
  point: string;
  version: 1 | 2;
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/** The mounts of cgroups that can limit CPU time, from /proc/self/mountinfo (proc(5)), in which spaces are octal. */
function mountsIn(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line): Mount[] => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '/', point = '/'] = left.split(' ').map((field) => field.replaceAll('\\040', ' '));
    const [type, , options = ''] = right.split(' ');
    if (type === 'cgroup2') return [{ root, point, version: 2 }];
    return type === 'cgroup' && options.split(',').includes('cpu') ? [{ root, point, version: 1 }] : [];
  });
}

/** The cgroup of this process, from /proc/self/cgroup (cgroups(7)): `0::/a` in version 2, `4:cpu,cpuacct:/a` in version 1. */
function cgroupIn(text: string, version: 1 | 2): string {
  const lines = text.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line) ?? []);
  const own = lines.find(([, id, names]) => (version === 2 ? id === '0' : names?.split(',').includes('cpu')));
  return own?.[3] ?? '/';
}

/**
 * The folder of a cgroup below its mount, and of all cgroups above it, whose quotas hold too. Inside a container the path
 * may be the host's, so that the folders do not exist; the container's own cgroup is then the mount's root.
 */
function foldersOf(cgroup: string, { root, point }: Mount): string[] {
  const below = cgroup.startsWith(`${root}/`) ? cgroup.slice(root.length) : root === '/' ? cgroup : '';
  const names = below.split('/').filter((name) => name !== '');
  return [...names.keys(), names.length].map((depth) => join(point, ...names.slice(0, depth)));
}

/** Cores' worth of CPU time: `<quota> <period>` in cpu.max, `max` without a limit; two files in version 1, with -1. */
function quotaOf(folder: string, version: 1 | 2): number {
  const files = version === 2 ? ['cpu.max'] : ['cpu.cfs_quota_us', 'cpu.cfs_period_us'];
  const text = files.map((file) => readOrEmpty(join(folder, file))).join(' ');
  const [quota = 0, period = 0] = text.split(' ').map(Number);
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

/** The least quota of the process's cgroups, in cores; Infinity without one. @param files root of the file system. */
export function quotaBelow(files: string): number {
  const cgroups = readOrEmpty(join(files, 'proc/self/cgroup'));
  const quotas = mountsIn(readOrEmpty(join(files, 'proc/self/mountinfo'))).flatMap((mount) =>
    foldersOf(cgroupIn(cgroups, mount.version), mount).map((folder) =>
      quotaOf(join(files, folder), mount.version),
    ),
  );
  return Math.min(...quotas, Number.POSITIVE_INFINITY);
}

/**
 * The cores' worth of CPU time that Linux grants this process where that is less than the machine's (`docker run --cpus`,
 * Kubernetes' limits), e.g. 1.5; undefined without such a limit.
 */
export function cpuQuota(): number | undefined {
  const quota = quotaBelow('/');
  return quota < cpus().length ? quota : undefined;
}

let usable: number | undefined;

/**
 * How many cores this process may use, at least 1: those that it may run on, and no more than its CPU quota. More threads
 * would use the quota up early in each period (0.1 s) and then all wait for the next one. A part of a core is rounded up:
 * with one thread fewer it would stay unused, which costs the wasm engine more than the wait. (Node 22 and newer round down by
 * themselves.)
 */
export function usableCores(): number {
  usable ??= Math.min(availableParallelism(), Math.ceil(cpuQuota() ?? Number.POSITIVE_INFINITY));
  return usable;
}
