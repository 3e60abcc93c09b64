import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  nativeFolder,
  npmFolder,
  packageFolder,
  packageName,
  tfjsVersion,
} from '../engine/native/installation.ts';
import { UserError } from '../errors.ts';
import { makeFolder, temporaryName, writeDurably } from '../files.ts';
import { errorLine, run } from './programs.ts';

export const packageAndVersion = `${packageName}@${tfjsVersion}`;

/**
 * What npm is to install. Of @tensorflow/tfjs the package uses what is in tfjs-core, and it is given ours when it is
 * loaded: tfjs-core stands in for all of it, and saves five sixths of the space.
 */
const project = {
  private: true,
  dependencies: { [packageName]: tfjsVersion, '@tensorflow/tfjs-core': tfjsVersion },
  overrides: { '@tensorflow/tfjs': `npm:@tensorflow/tfjs-core@${tfjsVersion}` },
};

/**
 * The folder of the npm package that holds the binding's sources. Where it is not there, npm fetches it into the
 * cache, without its install script, which downloads another TensorFlow from a site that many networks block.
 * @throws {UserError} where npm cannot fetch it.
 */
export async function fetchPackage({ step }: { step?(text: string): void }): Promise<string> {
  const known = packageFolder();
  if (known) return known;
  step?.(`Fetching ${packageAndVersion}`);
  await makeFolder(nativeFolder());
  const partial = temporaryName(npmFolder());
  await rm(partial, { recursive: true, force: true });
  await makeFolder(partial);
  try {
    await writeDurably(join(partial, 'package.json'), JSON.stringify(project, null, 2));
    const quiet = [
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--no-update-notifier',
      '--loglevel=error',
    ];
    const args = ['--prefix', partial, 'install', '--ignore-scripts', ...quiet];
    const { code, stderr } = await run('npm', args);
    if (code !== 0) throw new UserError(whyNot(code, stderr));
    await rm(npmFolder(), { recursive: true, force: true });
    await rename(partial, npmFolder());
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  const folder = packageFolder();
  if (folder) return folder;
  throw new UserError(
    `npm installed no ${packageAndVersion} in ${npmFolder()}; remove that folder, and try again.`,
  );
}

/** The line that tells the most: 'npm error code ENOTFOUND' and its like come before it. */
function npmError(output: string): string {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!) /, ''));
  const telling = lines.find((line) => line.trim() && !/^(code|errno|syscall|path) |^npm /.test(line));
  return telling ?? errorLine(output);
}

function whyNot(code: number, output: string): string {
  if (code === 127)
    return `npm, which fetches ${packageAndVersion}, is not installed; install it beside Node.js.`;
  return `npm cannot fetch ${packageAndVersion} (${npmError(output)}); check the network and "npm config get registry".`;
}
