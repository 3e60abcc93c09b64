import { realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { quoteForShell } from '../text/quote.ts';
import { ourPackage } from './version.ts';

/** The path without links; undefined where there is nothing. */
function real(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function holdsBatSup(folder: string): boolean {
  return ['bat-sup', 'bat-sup.cmd'].some((name) => real(join(folder, name)) !== undefined);
}

/**
 * Whether the `bat-sup` in a folder of programs is this very program: a link to it, or a script, as npm makes on
 * Windows and pnpm everywhere, for the package that lies below the folder, or beside it in a project.
 */
function isOurs(folder: string, { root, program }: { root: string; program: string }): boolean {
  if (real(join(folder, 'bat-sup')) === real(program)) return true;
  const packages = [join(folder, 'node_modules', 'bat-sup'), join(folder, '..', 'bat-sup')];
  return packages.some((place) => real(place) === real(root));
}

/** npm and npx put these on the PATH of what they run; the PATH of the user's shell lacks them. */
function isOfProject(folder: string): boolean {
  return /(^|[\\/])node_modules[\\/]\.bin[\\/]?$/.test(folder);
}

/** The folders that npx looks into, nearest first. */
function foldersOfNpx(cwd: string): string[] {
  const above = dirname(cwd);
  return [join(cwd, 'node_modules', '.bin'), ...(above === cwd ? [] : foldersOfNpx(above))];
}

interface Place {
  /** The package's folder. */
  root?: string;
  /** Undefined where it has been removed. */
  cwd?: string;
  /** As the environment has it. */
  path?: string;
}

/**
 * What starts this very program from where the user stands: 'bat-sup' where the PATH has it, 'npx bat-sup' where the
 * project has it, else 'node' and the program's file.
 */
export function programAsTyped({
  root = ourPackage().root,
  cwd = real('.'),
  path = process.env.PATH ?? '',
}: Place = {}): string {
  const program = join(root, 'dist', 'bin', 'bat-sup.js');
  // What is typed runs the first that is found.
  const finds = (folders: string[]) => {
    const first = folders.find(holdsBatSup);
    return first !== undefined && isOurs(first, { root, program });
  };
  if (finds(path.split(delimiter).filter((folder) => folder !== '' && !isOfProject(folder))))
    return 'bat-sup';
  if (cwd !== undefined && finds(foldersOfNpx(cwd))) return 'npx bat-sup';
  const fromHere = cwd === undefined ? '..' : relative(cwd, program);
  return `node ${quoteForShell(fromHere.startsWith('..') ? program : fromHere)}`;
}

/** A command of ours as the user has to type it here: 'train --resume' -> 'npx bat-sup train --resume' */
export function batSup(args: string): string {
  return `${programAsTyped()} ${args}`;
}

/** A message that names commands as "bat-sup train", with what the user has to type instead. */
export function withCommandsAsTyped(message: string): string {
  return message.replace(/(?<=")bat-sup(?= [a-z-])/g, () => programAsTyped());
}
