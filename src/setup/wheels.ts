import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../errors.ts';
import { bytesBelow, makeFolder, removeLeftovers, sha256OfFile, temporaryName } from '../system/files.ts';
import { errorLine, follow, lastLine, run } from './programs.ts';

/** The release that we measure and test with. */
export const tensorflowVersion = '2.21.0';

/**
 * Wheels are requested for this version of Python, whatever the machine has: we use only the C library of a wheel, which
 * is the same for all versions.
 */
const wheelPython = '3.12';

export type Device = 'cpu' | 'cuda';

/** A Python package to download. */
export interface Wheel {
  /** Name of the package, e.g. 'tensorflow-cpu'. */
  name: string;
  version: string;
  /** Its file name. */
  file: string;
  /** From the package index, or pinned. */
  sha256: string;
}

interface Report {
  install: {
    metadata: { name: string; version: string; requires_dist?: string[] };
    download_info: { url: string; archive_info?: { hash?: string; hashes?: { sha256?: string } } };
  }[];
}

/** The command of a Python with pip. @param what needs it, for messages. @throws {UserError} where there is none. */
export async function findPython(what = 'TensorFlow'): Promise<string> {
  const isWindows = process.platform === 'win32';
  for (const python of ['python3', 'python', ...(isWindows ? ['py'] : [])]) {
    const { code } = await run(python, ['--version']);
    if (code !== 0) continue;
    const pip = await run(python, ['-m', 'pip', '--version']);
    if (pip.code === 0) return python;
    throw new UserError(
      `Downloading ${what} needs pip, which ${python} does not have; install it: "sudo apt install python3-pip" or "${python} -m ensurepip --user".`,
    );
  }
  const how =
    process.platform === 'linux' ? '"sudo apt install python3 python3-pip"' : 'https://www.python.org';
  throw new UserError(`Downloading ${what} needs Python 3 with pip; install it: ${how}.`);
}

function platforms(): string[] {
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
  return ['2_27', '2_28', '2_17', '2_12', '2_5', '2014']
    .map((tag) => (tag === '2014' ? `manylinux2014_${machine}` : `manylinux_${tag}_${machine}`))
    .flatMap((tag) => ['--platform', tag]);
}

function target(): string[] {
  const interpreter = ['--python-version', wheelPython, '--implementation', 'cp'];
  return ['--no-deps', '--only-binary=:all:', ...interpreter, ...platforms()];
}

/** Keeps pip from asking questions. Mirrors, proxies and certificates stay as the user configured them. */
const quiet = ['--disable-pip-version-check', '--no-input'];

/** Resolves requirements with pip, without downloading. */
async function resolveWheels(python: string, requirements: string[]): Promise<Report> {
  const where = ['--target', join('/nonexistent', 'bat-sup')];
  const dry = ['install', '--dry-run', '--ignore-installed', '--quiet', '--report', '-', ...where];
  const { code, stdout, stderr } = await run(python, [
    '-m',
    'pip',
    ...dry,
    ...quiet,
    ...target(),
    ...requirements,
  ]);
  if (code === 0) return JSON.parse(stdout);
  if (/no such option: --report/.test(stderr)) {
    throw new UserError(`This pip is too old; update it: "${python} -m pip install --upgrade pip".`);
  }
  throw new UserError(
    `pip cannot find ${requirements[0]} (${errorLine(stderr)}); check the network and "${python} -m pip config list".`,
  );
}

function toWheels({ install }: Report): Wheel[] {
  return install.map(({ metadata, download_info: { url, archive_info: archive } }) => ({
    name: metadata.name,
    version: metadata.version,
    file: decodeURIComponent(basename(new URL(url).pathname)),
    sha256: archive?.hashes?.sha256 ?? archive?.hash?.replace(/^sha256=/, '') ?? '',
  }));
}

/** The requirements of an extra: 'name<2,>=1; extra == "and-cuda"' -> 'name<2,>=1'. */
function requirementsOf({ install }: Report, extra: string): string[] {
  const all = install.flatMap(({ metadata }) => metadata.requires_dist ?? []);
  return all
    .filter((requirement) => new RegExp(`extra\\s*==\\s*["']${extra}["']`).test(requirement))
    .map((requirement) => (requirement.split(';')[0] as string).trim());
}

/** The wheels of TensorFlow for a device, with their hashes from the package index. */
export async function chooseWheels(python: string, device: Device): Promise<Wheel[]> {
  // On ARM the plain package is for the CPU.
  const name = device === 'cpu' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  const tensorflow = await resolveWheels(python, [`${name}==${tensorflowVersion}`]);
  if (device === 'cpu') return toWheels(tensorflow);
  const libraries = await resolveWheels(python, requirementsOf(tensorflow, 'and-cuda'));
  return [...toWheels(tensorflow), ...toWheels(libraries)];
}

/** Whether the file of a wheel exists and is complete. */
async function isComplete(file: string, { sha256 }: Wheel): Promise<boolean> {
  return existsSync(file) && (await sha256OfFile(file)).toString('hex') === sha256;
}

/** The size in bytes from '  Downloading x.whl (273.8 MB)'. */
function announcedBytes(line: string): number | undefined {
  const match = /Downloading .*\(([\d.]+) (k|M|G)B\)/i.exec(line);
  if (!match) return undefined;
  return Number(match[1]) * { k: 1e3, m: 1e6, g: 1e9 }[(match[2] as string).toLowerCase() as 'k' | 'm' | 'g'];
}

/**
 * Downloads a wheel into `folder`, unless it is there already with the right hash.
 * @param onProgress called with the bytes so far and in all.
 * @param again the command that continues after a failure.
 * @returns the path of its file.
 * @throws {UserError} where pip cannot download it, or it has another hash.
 */
export async function fetchWheel(
  python: string,
  wheel: Wheel,
  folder: string,
  onProgress: (done: number, total: number) => void,
  again = 'bat-sup setup',
): Promise<string> {
  const file = join(folder, wheel.file);
  if (await isComplete(file, wheel)) return file;
  const partial = temporaryName(file);
  await removeLeftovers(folder, { recursive: true });
  await makeFolder(partial);
  let total = 0;
  // pip shows progress only on a terminal. It downloads into TMPDIR, where the bytes can be counted.
  const timer = setInterval(async () => {
    if (total > 0) onProgress(Math.min(await bytesBelow(partial), total), total);
  }, 200);
  const download = ['-m', 'pip', 'download', ...quiet, ...target(), '--dest', partial];
  const exact = `${wheel.name}==${wheel.version}`;
  const { code, stderr } = await follow(python, [...download, exact], { TMPDIR: partial }, (line) => {
    total = announcedBytes(line) ?? total;
  });
  clearInterval(timer);
  if (code !== 0) {
    await rm(partial, { recursive: true, force: true });
    throw new UserError(
      `pip cannot download ${exact} (${errorLine(stderr)}); run "${again}" again to continue.`,
    );
  }
  const downloaded = join(partial, wheel.file);
  if (!(await isComplete(downloaded, wheel))) {
    await rm(partial, { recursive: true, force: true });
    throw new UserError(
      `${wheel.file} does not have the SHA-256 that it should have; run "${python} -m pip cache purge", then "${again}" again.`,
    );
  }
  await rename(downloaded, file);
  await rm(partial, { recursive: true, force: true });
  return file;
}

/** A wheel is a zip file, which Python can read. */
const unpackScript = `
import os, re, sys, zipfile
wanted = re.compile(sys.argv[3])
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for member in wheel.infolist():
        if not member.is_dir() and wanted.search(member.filename):
            wheel.extract(member, sys.argv[2])
`;

/** Shared libraries, the headers of TensorFlow's C API, and licences. */
const wanted = [
  '^tensorflow/libtensorflow_(cc|framework)\\.so\\.2$',
  '^tensorflow/include/(tensorflow/c|tensorflow/core/(platform|common_runtime)|tsl/platform|xla/tsl/c)/.*\\.h$',
  '^nvidia/[^/]+/(lib/.*\\.so[.0-9]*|nvvm/libdevice/.*)$',
  '^[^/]+\\.dist-info/.*(LICENSE|NOTICE|License).*$',
].join('|');

/** Unpacks the files of a wheel that the native engine needs. */
export async function unpackWheel(python: string, file: string, folder: string): Promise<void> {
  const { code, stderr } = await run(python, ['-c', unpackScript, file, folder, wanted]);
  if (code !== 0)
    throw new UserError(`${file} cannot be unpacked (${lastLine(stderr)}); check the free disk space.`);
}
