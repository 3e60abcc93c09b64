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
  /** Folder that tensorflow/c/c_api.h lies in. */
  include: string;
  /** Files to link. */
  files: string[];
  /** Where the program finds these files when it runs; may start with $ORIGIN. */
  runPath: string;
}

/** @throws {UserError} where there is no C++ compiler. */
export async function findCompiler(): Promise<string> {
  const candidates = [process.env.CXX, 'c++', 'g++', 'clang++'].filter((name) => name !== undefined);
  for (const compiler of candidates) {
    if (compiler !== '' && (await run(compiler, ['--version'])).code === 0) return compiler;
  }
  throw new UserError(
    'A C++ compiler, which builds the native engine, is not installed; install it: "sudo apt install g++" (Fedora: "sudo dnf install gcc-c++").',
  );
}

async function sourcesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.endsWith('.cc'))
    .sort()
    .map((file) => join(folder, file));
}

/** The header files of Node-API alone, from npm: node-gyp would download all of Node's from its own site. */
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
 * @param binding folder of the npm package's own sources.
 * @returns whether our operations are in it; an own, older TensorFlow may lack the C interface for them.
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
