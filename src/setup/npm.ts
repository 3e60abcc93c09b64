import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { npmFolder, packageFolder, packageName, tfjsVersion } from '../engine/native/installation.ts';
import { UserError } from '../errors.ts';
import { makeFolder, temporaryName, writeDurably } from '../system/files.ts';
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
 * The folder of the npm package that holds the binding's sources. Where it is not there, npm fetches it.
 * @throws {UserError} where npm cannot.
 */
export async function fetchPackage({ step }: { step?(text: string): void }): Promise<string> {
  const known = packageFolder();
  if (known) return known;
  step?.(`Fetching ${packageAndVersion}`);
  await installPackage('npm', npmFolder());
  const folder = packageFolder();
  if (folder) return folder;
  throw new UserError(
    `npm installed no ${packageAndVersion} in ${npmFolder()}; remove that folder and try again.`,
  );
}

/**
 * Has npm make a folder anew that holds the package. Its install script is not run: that downloads another
 * TensorFlow, from a site that many networks block, and where it fails npm removes what is optional.
 * @throws {UserError} where npm fails; the folder is as it was then.
 */
export async function installPackage(npm: string, folder: string): Promise<void> {
  const partial = temporaryName(folder);
  await makeFolder(dirname(folder));
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
    const { code, stderr } = await run(npm, ['--prefix', partial, 'install', '--ignore-scripts', ...quiet]);
    if (code !== 0) throw new UserError(whyNot(code, stderr));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** The line that tells the most: 'npm error code ENOTFOUND' and its like come before it. */
function npmError(output: string): string {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!) /, '').trim());
  return lines.find((line) => line && !/^(code|errno|syscall|path) |^npm /.test(line)) ?? errorLine(output);
}

function whyNot(code: number, output: string): string {
  if (code === 127)
    return `npm, which fetches ${packageAndVersion}, is not installed; install it, it belongs to Node.js.`;
  return `npm cannot fetch ${packageAndVersion} (${npmError(output)}); check the network and "npm config get registry".`;
}
