import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { writeFileAtomically } from '../system/files.ts';

export interface OutputNames {
  /** The name for the drawings of a picture. @param picture its path, or '-' for stdin, which is a new picture each time. */
  nameFor(picture: string): Promise<string>;
}

const tableName = '.sources.json';
/** Longest name: with its suffix it is short enough for every file system. */
const maxCharacters = 50;

/** Absolute path of each picture by its name in lower case; empty where there is no readable table. */
async function readTable(folder: string): Promise<Map<string, string>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(join(folder, tableName), 'utf8'))));
  } catch {
    return new Map();
  }
}

/**
 * Names for the drawings of a picture: its base name, with a number if another picture already has that name. A table
 * in the output folder remembers which picture a name belongs to, so that new drawings replace only older ones of the
 * same picture, in this run or a later one.
 * @param suffix of the file that is drawn for every picture.
 */
export async function openOutputNames(folder: string, suffix: string): Promise<OutputNames> {
  const sources = await readTable(folder);
  // Some file systems ignore case.
  const files = new Set((await readdir(folder)).map((file) => file.toLowerCase()));

  return {
    async nameFor(picture) {
      const source = picture === '-' ? '' : resolve(picture);
      const stem = picture === '-' ? 'stdin' : basename(picture, extname(picture));
      const base = [...stem].slice(0, maxCharacters).join('');
      for (let number = 1; ; number++) {
        const name = number === 1 ? base : `${base}-${number}`;
        const key = name.toLowerCase();
        const known = sources.get(key);
        if (known !== undefined && known === source && source !== '') return name;
        if (known !== undefined || files.has(`${key}${suffix}`)) continue;
        sources.set(key, source);
        const table = JSON.stringify(Object.fromEntries(sources), undefined, 2);
        await writeFileAtomically(join(folder, tableName), `${table}\n`);
        return name;
      }
    },
  };
}
