import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { glob } from 'glob';
import { UserError } from '../errors.ts';

export interface ClassFolder {
  name: string;
  /** Paths below the class folder, with '/', in code-unit order. */
  pictures: string[];
}

/** The names of a folder's classes: every folder in it that is not hidden. */
export async function findClasses(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  return folders.map((entry) => entry.name).sort();
}

/**
 * The pictures of <root>/<class>/, at any depth; hidden files are left out.
 * @throws {UserError} where there is no class folder.
 */
export async function findPictures(root: string): Promise<{ classes: ClassFolder[] }> {
  const names = await findClasses(root);
  if (names.length === 0) {
    throw new UserError(`${root} holds no class folders; put your pictures in ${join(root, '<class>')}.`);
  }
  const classes = await Promise.all(
    names.map(async (name) => {
      const pictures = await glob('**/*', { cwd: join(root, name), nodir: true, posix: true });
      return { name, pictures: pictures.sort() };
    }),
  );
  return { classes };
}
