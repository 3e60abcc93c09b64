import { existsSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../errors.ts';
import { makeFolder, sha256OfFile } from '../system/files.ts';
import { errorLine, follow, run } from './programs.ts';

/** One release for everybody: what we measure and test with. */
export const tensorflowVersion = '2.21.0';

/**
 * Wheels are asked for as of this Python, whatever the machine's own is: of a wheel we use the C library alone,
 * which is the same in all of them.
 */
const wheelPython = '3.12';

export type Device = 'cpu' | 'cuda';

export interface Wheel {
  /** e.g. 'tensorflow-cpu'. */
  name: string;
  version: string;
  /** The wheel's file name. */
  file: string;
  /** As the package index tells it. */
  sha256: string;
}

interface Report {
  install: {
    metadata: { name: string; version: string; requires_dist?: string[] };
    download_info: { url: string; archive_info?: { hash?: string; hashes?: { sha256?: string } } };
  }[];
}

/** @throws {UserError} where no Python with pip is found. */
export async function findPython(): Promise<string> {
  for (const python of ['python3', 'python']) {
    const { code } = await run(python, ['--version']);
    if (code !== 0) continue;
    const pip = await run(python, ['-m', 'pip', '--version']);
    if (pip.code === 0) return python;
    throw new UserError(
      `${python} has no pip, which fetches TensorFlow; install it: "sudo apt install python3-pip" or "${python} -m ensurepip --user".`,
    );
  }
  throw new UserError(
    'Python 3 with pip, which fetches TensorFlow, is not installed; install it: "sudo apt install python3 python3-pip".',
  );
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

/** Extra options keep pip from asking questions; its mirrors, proxies and certificates are the user's own. */
const quiet = ['--disable-pip-version-check', '--no-input'];

async function ask(python: string, requirements: string[]): Promise<Report> {
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
    throw new UserError(
      `This pip is too old; bring it up to date: "${python} -m pip install --upgrade pip".`,
    );
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

/** The requirements of an extra: 'name<2,>=1; extra == "and-cuda"' -> 'name<2,>=1' */
function requirementsOf({ install }: Report, extra: string): string[] {
  const all = install.flatMap(({ metadata }) => metadata.requires_dist ?? []);
  return all
    .filter((requirement) => new RegExp(`extra\\s*==\\s*["']${extra}["']`).test(requirement))
    .map((requirement) => (requirement.split(';')[0] as string).trim());
}

/** The wheels that hold TensorFlow for a device, with the hashes that the package index tells. */
export async function chooseWheels(python: string, device: Device): Promise<Wheel[]> {
  // For ARM the plain package is the one for the CPU.
  const name = device === 'cpu' && process.arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
  const tensorflow = await ask(python, [`${name}==${tensorflowVersion}`]);
  if (device === 'cpu') return toWheels(tensorflow);
  const libraries = await ask(python, requirementsOf(tensorflow, 'and-cuda'));
  return [...toWheels(tensorflow), ...toWheels(libraries)];
}

/** Whether a wheel's file is there, and all of it. */
async function isWhole(file: string, { sha256 }: Wheel): Promise<boolean> {
  return existsSync(file) && (await sha256OfFile(file)).toString('hex') === sha256;
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath ?? entry.path, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** '  Downloading x.whl (273.8 MB)' -> bytes */
function announcedBytes(line: string): number | undefined {
  const match = /Downloading .*\(([\d.]+) (k|M|G)B\)/i.exec(line);
  if (!match) return undefined;
  return Number(match[1]) * { k: 1e3, m: 1e6, g: 1e9 }[(match[2] as string).toLowerCase() as 'k' | 'm' | 'g'];
}

/**
 * Downloads a wheel into `folder` unless it is there already, whole and with the right hash.
 * @param onProgress bytes had of bytes announced.
 * @returns its file.
 */
export async function fetchWheel(
  python: string,
  wheel: Wheel,
  folder: string,
  onProgress: (done: number, total: number) => void,
): Promise<string> {
  const file = join(folder, wheel.file);
  if (await isWhole(file, wheel)) return file;
  const partial = join(folder, '.partial');
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial);
  let total = 0;
  // pip tells its progress to a terminal only; it downloads into TMPDIR, where the bytes can be counted.
  const timer = setInterval(async () => {
    if (total > 0) onProgress(Math.min(await bytesIn(partial), total), total);
  }, 200);
  const download = ['-m', 'pip', 'download', ...quiet, ...target(), '--dest', partial];
  const exact = `${wheel.name}==${wheel.version}`;
  const { code, stderr } = await follow(python, [...download, exact], { TMPDIR: partial }, (line) => {
    total = announcedBytes(line) ?? total;
  });
  clearInterval(timer);
  if (code !== 0) {
    throw new UserError(
      `pip cannot download ${exact} (${errorLine(stderr)}); run "bat-sup setup" again, it goes on where it stopped.`,
    );
  }
  const downloaded = join(partial, wheel.file);
  if (!(await isWhole(downloaded, wheel))) {
    throw new UserError(
      `${wheel.file} is not what the package index announced (its SHA-256 differs); run "${python} -m pip cache purge", then "bat-sup setup" again.`,
    );
  }
  await rename(downloaded, file);
  await rm(partial, { recursive: true, force: true });
  return file;
}

/** A wheel is a zip file, which Python reads by itself. */
const unpackScript = `
import os, re, sys, zipfile
wanted = re.compile(sys.argv[3])
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for member in wheel.infolist():
        if not member.is_dir() and wanted.search(member.filename):
            wheel.extract(member, sys.argv[2])
`;

/** Shared libraries, the headers of TensorFlow's C interface, and licences. */
const wanted = [
  '^tensorflow/libtensorflow_(cc|framework)\\.so\\.2$',
  '^tensorflow/include/(tensorflow/c|tensorflow/core/(platform|common_runtime)|tsl/platform|xla/tsl/c)/.*\\.h$',
  '^nvidia/[^/]+/(lib/.*\\.so[.0-9]*|nvvm/libdevice/.*)$',
  '^[^/]+\\.dist-info/.*(LICENSE|NOTICE|License).*$',
].join('|');

/** Unpacks what the native engine needs of a wheel. */
export async function unpackWheel(python: string, file: string, folder: string): Promise<void> {
  const { code, stderr } = await run(python, ['-c', unpackScript, file, folder, wanted]);
  if (code !== 0)
    throw new UserError(`${file} cannot be unpacked (${lastOf(stderr)}); check the free disk space.`);
}

function lastOf(text: string): string {
  return text.trim().split('\n').at(-1) ?? 'no message';
}
