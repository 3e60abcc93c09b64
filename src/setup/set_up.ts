import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import {
  findInstallation,
  type Installation,
  inUseFile,
  nativeFolder,
  npmFolder,
  packageFolder,
  packageName,
  sourcesDigest,
} from '../engine/native/installation.ts';
import { whyNoTensorFlow } from '../engine/native/supported.ts';
import { UserError } from '../errors.ts';
import { makeFolder, temporaryName, writeDurably, writeFileAtomically } from '../system/files.ts';
import { build, findCompiler, type Library } from './build.ts';
import { fetchPackage, packageAndVersion } from './npm.ts';
import { findGpus } from './nvidia.ts';
import { errorLine, run } from './programs.ts';
import { smokeTest } from './smoke_test.ts';
import {
  chooseWheels,
  type Device,
  fetchWheel,
  findPython,
  tensorflowVersion,
  unpackWheel,
  type Wheel,
} from './wheels.ts';

export interface SetUpEvents {
  /** Called when a step begins, e.g. with 'Building'. */
  step?(text: string): void;
  /** Called with the progress of a download, in bytes. */
  download?(wheel: Wheel, done: number, total: number): void;
}

/** What setup will do, as --dry-run prints it. */
export interface Plan {
  device: Device;
  /** Why this device. */
  reason: string;
  wheels: Wheel[];
  /** npm packages to download; [] if they are already here. */
  npmPackages: string[];
  folder: string;
  /** Bytes needed on the disk during setup. */
  diskSpace: number;
}

/** Bytes for the downloads and the unpacked files, measured with TensorFlow 2.21.0, plus a tenth. */
const diskSpaceNeeded: Record<Device, number> = { cpu: 1.3e9, cuda: 9e9 };

/** Records the wheels that a folder was unpacked from; written once all of them are. */
const wheelsFile = 'wheels.json';

/** Plans a setup from wheels. @param wanted default: CUDA where NVIDIA's driver finds a GPU, otherwise the CPU. */
export async function makePlan(wanted?: Device): Promise<Plan> {
  checkPlatform();
  const [gpu] = await findGpus();
  const device = wanted ?? (gpu ? 'cuda' : 'cpu');
  const found = gpu ? `NVIDIA's driver finds ${gpu.name}` : 'no NVIDIA driver finds a GPU';
  const reason = wanted ? `--${wanted} was given` : found;
  await findCompiler();
  const folder = join(nativeFolder(), `tensorflow-${tensorflowVersion}-${device}`);
  const unpacked = await readFile(join(folder, wheelsFile), 'utf8').catch(() => undefined);
  const wheels = unpacked ? JSON.parse(unpacked) : await chooseWheels(await findPython(), device);
  const npmPackages = packageFolder() ? [] : [packageAndVersion];
  return { device, reason, wheels, npmPackages, folder, diskSpace: diskSpaceNeeded[device] };
}

/** @throws {UserError} where TensorFlow does not support this machine. */
function checkPlatform(): void {
  const why = whyNoTensorFlow();
  if (why) throw new UserError(why);
}

async function checkDiskSpace({ diskSpace }: Plan): Promise<void> {
  const { bavail, bsize } = await statfs(nativeFolder());
  const free = bavail * bsize;
  if (free >= diskSpace) return;
  const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(1);
  throw new UserError(
    `Setup needs ${gigabytes(diskSpace)} GB in ${nativeFolder()}, but only ${gigabytes(free)} GB are free; free some space, or set XDG_CACHE_HOME to a folder on a larger disk.`,
  );
}

/** Sets up TensorFlow from wheels: downloads, unpacks, builds and tests it, and only then puts it into use. */
export async function setUpFromWheels(plan: Plan, events: SetUpEvents = {}): Promise<Installation> {
  await fetchPackage(events);
  const known = findInstallation();
  if (known?.binding.startsWith(`${plan.folder}/`)) return known;
  if (!existsSync(plan.folder)) await unpackAll(plan, events);
  const libraries = join(plan.folder, 'tensorflow');
  const library: Library = {
    include: join(libraries, 'include'),
    files: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((file) => join(libraries, file)),
    runPath: '$ORIGIN/../tensorflow',
  };
  const packages = Object.fromEntries(plan.wheels.map(({ name, version }) => [name, version]));
  return buildAndTest(library, plan.folder, { source: 'wheel', device: plan.device, packages }, events);
}

async function unpackAll(plan: Plan, events: SetUpEvents): Promise<void> {
  const python = await findPython();
  const downloads = join(nativeFolder(), 'downloads');
  await makeFolder(downloads);
  await checkDiskSpace(plan);
  const partial = temporaryName(plan.folder);
  for (const wheel of plan.wheels) {
    events.step?.(`Downloading ${wheel.name} ${wheel.version}`);
    const progress = (done: number, total: number) => events.download?.(wheel, done, total);
    const file = await fetchWheel(python, wheel, downloads, progress);
    events.step?.(`Unpacking ${wheel.name}`);
    await unpackWheel(python, file, partial);
  }
  await writeDurably(join(partial, wheelsFile), JSON.stringify(plan.wheels, null, 2));
  await rename(partial, plan.folder);
}

/** Sets up the user's own TensorFlow. @param path a folder with include/ and lib/, or the tensorflow/ of an unpacked wheel. */
export async function setUpFromLibrary(path: string, events: SetUpEvents = {}): Promise<Installation> {
  checkPlatform();
  const given = resolve(path);
  const folders = [join(given, 'lib'), given];
  const find = (pattern: RegExp) => findFile(folders, pattern);
  const main = await find(/^libtensorflow(_cc)?\.(so|so\.2|2\.dylib|dylib)$/);
  const framework = await find(/^libtensorflow_framework\.(so|so\.2|2\.dylib|dylib)$/);
  const include = join(given, 'include');
  if (!main || !existsSync(join(include, 'tensorflow/c/c_api.h'))) {
    throw new UserError(
      `${path} holds no TensorFlow library; it needs include/tensorflow/c/c_api.h, and libtensorflow.so or libtensorflow_cc.so.2 in the folder or its lib/.`,
    );
  }
  const folder = join(nativeFolder(), 'own');
  await makeFolder(folder);
  const files = [main, framework].filter((file) => file !== undefined);
  const library = { include, files, runPath: join(main, '..') };
  const known = { source: 'own', device: 'cuda', packages: {} } as const;
  return buildAndTest(library, folder, known, events);
}

async function findFile(folders: string[], pattern: RegExp): Promise<string | undefined> {
  for (const folder of folders) {
    const files = await readdir(folder).catch(() => []);
    const file = files.find((name) => pattern.test(name));
    if (file) return join(folder, file);
  }
  return undefined;
}

async function buildAndTest(
  library: Library,
  folder: string,
  known: Pick<Installation, 'source' | 'device' | 'packages'>,
  events: SetUpEvents,
): Promise<Installation> {
  const binding = join(await fetchPackage(events), 'binding');
  events.step?.('Building');
  const output = join(folder, `build-${sourcesDigest()}`);
  const partial = temporaryName(output);
  await makeFolder(partial);
  const operations = await build(await findCompiler(), binding, library, partial);
  await rm(output, { recursive: true, force: true });
  await rename(partial, output);
  events.step?.('Testing');
  const installation: Installation = {
    ...known,
    tensorflow: tensorflowVersion,
    binding: join(output, 'tfjs_binding.node'),
    stderr: join(output, 'stderr.node'),
    operations,
  };
  const { version } = await smokeTest(installation);
  return putInUse({ ...installation, tensorflow: version });
}

async function putInUse(installation: Installation): Promise<Installation> {
  await writeFileAtomically(inUseFile(), `${JSON.stringify(installation, null, 2)}\n`);
  await removeUnused();
  return installation;
}

/** Removes what no version of bat-sup uses: replaced libraries, and leftovers of interrupted runs. */
async function removeUnused(): Promise<void> {
  const entries = await readdir(nativeFolder());
  const inUse = entries.filter((name) => name.startsWith('in-use-'));
  const contents = await Promise.all(inUse.map((name) => readFile(join(nativeFolder(), name), 'utf8')));
  for (const name of entries) {
    const used = contents.some((content) => content.includes(`${join(nativeFolder(), name)}/`));
    if (!used && !inUse.includes(name) && name !== basename(npmFolder()))
      await rm(join(nativeFolder(), name), { recursive: true, force: true });
  }
}

/** Runs the npm package's own installer, which downloads TensorFlow 2.9 for CUDA 11.2 from Google. */
export async function setUpOfficial(events: SetUpEvents = {}): Promise<Installation> {
  checkPlatform();
  const folder = await fetchPackage(events);
  events.step?.(`Running the installer of ${packageName}`);
  const args = ['rebuild', packageName, '--ignore-scripts=false', '--foreground-scripts'];
  const { code, stdout, stderr } = await run('npm', ['--prefix', resolve(folder, '../../..'), ...args]);
  await rm(inUseFile(), { force: true });
  const installation = findInstallation();
  if (code !== 0 || !installation) {
    throw new UserError(
      `The installer of ${packageName} failed (${errorLine(`${stderr}\n${stdout}`)}); "bat-sup setup" without --from-official needs only the package registries.`,
    );
  }
  events.step?.('Testing');
  await smokeTest(installation);
  return installation;
}

/** Removes everything that setup created. @returns the folder, or undefined where there was none. */
export async function removeSetUp(): Promise<string | undefined> {
  const folder = nativeFolder();
  if (!existsSync(folder)) return undefined;
  await rm(folder, { recursive: true, force: true });
  return folder;
}
