import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../system/cache.ts';

export const packageName = '@tensorflow/tfjs-node-gpu';
/** The tfjs release whose binding is built; our kernels are not compatible with other releases. */
export const tfjsVersion = '4.22.0';
/** Node-API is stable across Node's releases, so one build serves all of them. */
export const nodeApiVersion = 8;

const require = createRequire(import.meta.url);

/** An installed native engine; the content of in-use-<sources>.json. */
export interface Installation {
  /** wheel: installed by `bat-sup setup`. own: the user's own library. official: the package's own installer. */
  source: 'wheel' | 'own' | 'official';
  /** Built for the CPU, or for CUDA as well. */
  device: 'cpu' | 'cuda';
  /** TensorFlow's version. */
  tensorflow: string;
  /** tfjs_binding.node, absolute. */
  binding: string;
  /** stderr.node, which mutes TensorFlow while it loads; absent from the official installation. */
  stderr?: string;
  /** Whether the binding contains our operations for the CPU. */
  operations: boolean;
  /** Installed packages by name, e.g. { 'tensorflow-cpu': '2.21.0' }. */
  packages: Record<string, string>;
}

/** Folder in the cache that all projects share, per platform and versions. */
export function nativeFolder(): string {
  const key = `tfjs-${tfjsVersion}-napi${nodeApiVersion}-${process.platform}-${process.arch}`;
  return join(cacheFolder(), 'native', key);
}

const engineFolder = fileURLToPath(new URL('../', import.meta.url));

/** Our C++ for the native engine, which `bat-sup setup` compiles: absolute paths, in a fixed order. */
export const nativeSources = {
  muting: join(engineFolder, 'native', 'stderr.cc'),
  signals: join(engineFolder, 'native', 'signals.h'),
  /** Folder that the operations include from. */
  include: join(engineFolder, 'native'),
  /** The operations that we add to TensorFlow, and what they share. */
  operations: () =>
    [join(engineFolder, 'native'), ...subfolders(join(engineFolder, 'kernels'))].flatMap(operationFilesIn),
};

function subfolders(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => statSync(join(folder, name)).isDirectory());
  return names.sort().map((name) => join(folder, name));
}

function operationFilesIn(folder: string): string[] {
  const files = readdirSync(folder).filter((name) => /\.(cc|h)$/.test(name));
  const paths = files.sort().map((name) => join(folder, name));
  return paths.filter((path) => path !== nativeSources.muting && path !== nativeSources.signals);
}

/** Identifies the C++ sources of a build, so that an update of bat-sup repeats the build but not the download. */
export function sourcesDigest(): string {
  const hash = createHash('sha256');
  for (const file of [nativeSources.signals, nativeSources.muting, ...nativeSources.operations()])
    hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

/** The file that says which installation is in use. */
export function inUseFile(): string {
  return join(nativeFolder(), `in-use-${sourcesDigest()}.json`);
}

/** Where `bat-sup setup` has npm install the package. */
export function npmFolder(): string {
  return join(nativeFolder(), 'npm');
}

/** Folder of the npm package: in our own node_modules, else where `bat-sup setup` fetched it; undefined if neither. */
export function packageFolder(): string | undefined {
  const finders = [require, createRequire(join(npmFolder(), 'package.json'))];
  for (const { resolve } of finders) {
    try {
      const file = resolve(`${packageName}/package.json`);
      // A project may have installed another version for itself.
      if (JSON.parse(readFileSync(file, 'utf8')).version === tfjsVersion) return dirname(file);
    } catch {}
  }
  return undefined;
}

/** What the package's own installer built, if it was run. */
function officialInstallation(): Installation | undefined {
  const folder = packageFolder();
  const binding = folder && join(folder, 'lib', `napi-v${nodeApiVersion}`, 'tfjs_binding.node');
  if (!binding || !existsSync(binding)) return undefined;
  return { source: 'official', device: 'cuda', tensorflow: '2.9', binding, operations: false, packages: {} };
}

/** The native engine to load: what `bat-sup setup` installed, else what the package's own installer built. */
export function findInstallation(): Installation | undefined {
  if (!packageFolder()) return undefined;
  try {
    const installation: Installation = JSON.parse(readFileSync(inUseFile(), 'utf8'));
    if (existsSync(installation.binding)) return installation;
  } catch {}
  return officialInstallation();
}
