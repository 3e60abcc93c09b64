import { realpathSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { quoteForShell } from '../text/quote.ts';
import { ourPackage } from './version.ts';

/** The real path; undefined where nothing exists there. */
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
 * Whether the `bat-sup` in a folder of programs is this program: a link to it, or a script (from npm on Windows, from pnpm
 * everywhere) for the package below the folder, or beside it in a project.
 */
function isOurs(folder: string, { root, program }: { root: string; program: string }): boolean {
  if (real(join(folder, 'bat-sup')) === real(program)) return true;
  const packages = [join(folder, 'node_modules', 'bat-sup'), join(folder, '..', 'bat-sup')];
  return packages.some((folder) => real(folder) === real(root));
}

/** Whether npm or npx added a folder to our PATH, which the user's shell does not have. */
function isNpmFolder(folder: string): boolean {
  return /(^|[\\/])node_modules[\\/]\.bin[\\/]?$/.test(folder);
}

/** The folders that npx searches, nearest first. */
function npxFolders(cwd: string): string[] {
  const above = dirname(cwd);
  return [join(cwd, 'node_modules', '.bin'), ...(above === cwd ? [] : npxFolders(above))];
}

interface Environment {
  /** Folder of this package. */
  root?: string;
  /** Current folder; undefined if it was removed. */
  cwd?: string;
  /** The PATH. */
  path?: string;
}

/**
 * The words that start this program from the current folder: 'bat-sup' if it is on the PATH, 'npx bat-sup' if the project
 * has it, otherwise 'node' with the file of the program.
 */
export function programAsTyped({
  root = ourPackage().root,
  cwd = real('.'),
  path = process.env.PATH ?? '',
}: Environment = {}): string {
  const program = join(root, 'dist', 'bin', 'bat-sup.js');
  // A shell runs the first one that it finds.
  const finds = (folders: string[]) => {
    const first = folders.find(holdsBatSup);
    return first !== undefined && isOurs(first, { root, program });
  };
  if (finds(path.split(delimiter).filter((folder) => folder !== '' && !isNpmFolder(folder))))
    return 'bat-sup';
  if (cwd !== undefined && finds(npxFolders(cwd))) return 'npx bat-sup';
  const fromHere = cwd === undefined ? '..' : relative(cwd, program);
  return `node ${quoteForShell(fromHere.startsWith('..') ? program : fromHere)}`;
}

/** One of our commands as the user must type it here: 'train --resume' -> 'npx bat-sup train --resume'. */
export function batSup(args: string): string {
  return `${programAsTyped()} ${args}`;
}

/** Replaces commands such as "bat-sup train" in a message by what the user must type here. */
export function withCommandsAsTyped(message: string): string {
  return message.replace(/(?<=")bat-sup(?= [a-z-])/g, () => programAsTyped());
}
