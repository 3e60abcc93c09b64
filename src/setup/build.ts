import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { nativeSources, nodeApiVersion } from '../engine/native/installation.ts';
import { UserError } from '../errors.ts';
import { errorLine, run } from './programs.ts';

const require = createRequire(import.meta.url);

/** What to compile against and link with. */
export interface Library {
  /** Folder that contains tensorflow/c/c_api.h. */
  include: string;
  /** Files to link. */
  files: string[];
  /** Folder where the loader finds these files at run time; may start with $ORIGIN. */
  runPath: string;
}

/** The command of a C++ compiler. @throws {UserError} where there is none. */
export async function findCompiler(): Promise<string> {
  const candidates = [process.env.CXX, 'c++', 'g++', 'clang++'].filter((name) => name !== undefined);
  for (const compiler of candidates) {
    if (compiler !== '' && (await run(compiler, ['--version'])).code === 0) return compiler;
  }
  throw new UserError(
    'Building the native engine needs a C++ compiler; install one: "sudo apt install g++" (Fedora: "sudo dnf install gcc-c++").',
  );
}

async function sourcesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.endsWith('.cc'))
    .sort()
    .map((file) => join(folder, file));
}

/** Folder with the headers of Node-API, from npm; node-gyp would download all headers of Node.js from nodejs.org. */
function nodeHeaders(): string {
  return (require('node-api-headers') as { include_dir: string }).include_dir;
}

/** @throws {UserError} with the compiler's first error. */
async function compile(compiler: string, output: string, args: string[]): Promise<void> {
  const shared = ['-shared', '-fPIC', '-O3', '-std=c++17', '-w', '-o', output];
  const { code, stderr } = await run(compiler, [...shared, ...args]);
  if (code === 0) return;
  throw new UserError(
    `${compiler} cannot build the native engine (${errorLine(stderr)}); install a current compiler: "sudo apt install g++".`,
  );
}

/**
 * Builds tfjs_binding.node, with our operations in it, and stderr.node.
 * @param binding folder of the npm package's sources.
 * @returns whether our operations are included; an older TensorFlow of the user's may lack the C API for them.
 */
export async function build(
  compiler: string,
  binding: string,
  library: Library,
  folder: string,
): Promise<boolean> {
  const api = [`-DNAPI_VERSION=${nodeApiVersion}`, '-I', nodeHeaders()];
  const muting = ['-DNODE_GYP_MODULE_NAME=stderr', ...api, nativeSources.muting];
  await compile(compiler, join(folder, 'stderr.node'), muting);

  const hasOperations = existsSync(join(library.include, 'tensorflow/c/kernels.h'));
  const operations = hasOperations ? nativeSources.operations().filter((file) => file.endsWith('.cc')) : [];
  await compile(compiler, join(folder, 'tfjs_binding.node'), [
    '-DNODE_GYP_MODULE_NAME=tfjs_binding',
    ...api,
    ...['-I', library.include, '-I', join(binding, '..'), '-I', binding],
    ...['-include', nativeSources.signals],
    ...(await sourcesIn(binding)),
    ...['-fopenmp', '-fno-math-errno', '-I', nativeSources.include, ...operations],
    ...[...library.files, `-Wl,-rpath,${library.runPath}`],
  ]);
  return hasOperations;
}
