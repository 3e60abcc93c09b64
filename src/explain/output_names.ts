import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { writeFileAtomically } from '../system/files.ts';

export interface OutputNames {
  /** @param picture path, or '-' for one from stdin, which is never the same as an earlier one. */
  nameFor(picture: string): Promise<string>;
}

const tableName = '.sources.json';
/** Of a name, so that with what is appended to it no file system finds it too long. */
const mostCharacters = 50;

/** Absolute path of a picture by the name that it has, in small letters. Empty where there is no readable table. */
async function readTable(folder: string): Promise<Map<string, string>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(join(folder, tableName), 'utf8'))));
  } catch {
    return new Map();
  }
}

/**
 * Names for what is drawn of a picture: its base name, and a number where another picture has taken that. Which
 * picture a name stands for is kept in the output folder, so that the same picture's drawings replace its older ones
 * and nobody else's, in this run or a later one.
 * @param suffix of the file that every picture gets.
 */
export async function openOutputNames(folder: string, suffix: string): Promise<OutputNames> {
  const sources = await readTable(folder);
  // Some file systems take capital and small letters for the same.
  const files = new Set((await readdir(folder)).map((file) => file.toLowerCase()));

  return {
    async nameFor(picture) {
      const source = picture === '-' ? '' : resolve(picture);
      const stem = picture === '-' ? 'stdin' : basename(picture, extname(picture));
      const base = [...stem].slice(0, mostCharacters).join('');
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
