import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { npmFolder, packageFolder, packageName, tfjsVersion } from '../engine/native/installation.ts';
import { UserError } from '../errors.ts';
import { makeFolder, temporaryName, writeDurably } from '../system/files.ts';
import { errorLine, run } from './programs.ts';

export const packageAndVersion = `${packageName}@${tfjsVersion}`;

/**
 * The package.json for npm. The package uses only the tfjs-core part of @tensorflow/tfjs, and gets ours when it is loaded,
 * so tfjs-core replaces the whole and saves five sixths of the space.
 */
const project = {
  private: true,
  dependencies: { [packageName]: tfjsVersion, '@tensorflow/tfjs-core': tfjsVersion },
  overrides: { '@tensorflow/tfjs': `npm:@tensorflow/tfjs-core@${tfjsVersion}` },
};

/**
 * The folder of the npm package with the sources of the binding; npm downloads it if necessary.
 * @throws {UserError} where npm fails.
 */
export async function fetchPackage({ step }: { step?(text: string): void }): Promise<string> {
  const known = packageFolder();
  if (known) return known;
  step?.(`Downloading ${packageAndVersion}`);
  await installPackage('npm', npmFolder());
  const folder = packageFolder();
  if (folder) return folder;
  throw new UserError(
    `npm did not install ${packageAndVersion} in ${npmFolder()}; remove that folder and try again.`,
  );
}

/**
 * Installs the package with npm into a folder, replacing it. Its install script is not run: it downloads another TensorFlow
 * from a site that many networks block, and if it fails npm removes optional packages.
 * @throws {UserError} where npm fails; the folder is unchanged then.
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

/** The line with the cause; lines such as 'npm error code ENOTFOUND' come before it. */
function npmError(output: string): string {
  const lines = output.split('\n').map((line) => line.replace(/^npm (error|ERR!) /, '').trim());
  return lines.find((line) => line && !/^(code|errno|syscall|path) |^npm /.test(line)) ?? errorLine(output);
}

function whyNot(code: number, output: string): string {
  if (code === 127) return `Downloading ${packageAndVersion} needs npm; install it, it is part of Node.js.`;
  return `npm cannot download ${packageAndVersion} (${npmError(output)}); check the network and "npm config get registry".`;
}
