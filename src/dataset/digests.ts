import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { changeTime } from '../system/change_time.ts';
import { linesOf, makeFolder, sha256OfFile, writeFileAtomically } from '../system/files.ts';
import { type Dataset, nameOf, type Picture, pathBelow } from './scan.ts';

/** The first 128 bits of a file's SHA-256, as base64url. */
async function digestOf(file: string): Promise<string> {
  return (await sha256OfFile(file)).subarray(0, 16).toString('base64url');
}

/** [path of the picture relative to the dataset's folder, size and change time of the file that was read, digest] */
type Line = [string, number, number, string];

function parse(text: string): Line | undefined {
  try {
    const line = JSON.parse(text);
    return Array.isArray(line) && typeof line[0] === 'string' && typeof line[3] === 'string'
      ? (line as Line)
      : undefined;
  } catch {
    return undefined;
  }
}

async function readKnown(file: string): Promise<Map<string, Line>> {
  const known = new Map<string, Line>();
  try {
    for await (const text of linesOf(file)) {
      const line = parse(text);
      if (line) known.set(line[0], line);
    }
  } catch {
    // There is no cache yet.
  }
  return known;
}

/**
 * Adds to each picture the digest of its raw file, or of its own file where there is no raw one; copies that augment
 * made get none. Only changed files are read: the digests of the others are in data/.cache.
 * @param folder the dataset's, data/.
 * @param workers how many files are read at once; 0: as many as there are cores.
 */
export async function digestPictures(
  dataset: Dataset,
  { folder, workers }: { folder: string; workers: number },
): Promise<Dataset> {
  const file = join(folder, '.cache', 'digests.jsonl');
  const known = await readKnown(file);
  const lines: Line[] = [];
  let isChanged = false;
  const digest = async (picture: Picture, read: string): Promise<string> => {
    const found = await stat(read);
    const [size, changed] = [found.size, changeTime(found)];
    const path = pathBelow(folder, picture.file);
    const before = known.get(path);
    const isKnown = before?.[1] === size && before[2] === changed;
    const line: Line = isKnown ? before : [path, size, changed, await digestOf(read)];
    isChanged ||= !isKnown;
    lines.push(line);
    return line[3];
  };
  const pictures = await mapConcurrently(dataset.pictures, workers, async (picture): Promise<Picture> => {
    if (picture.copyOf !== undefined) return picture;
    // The raw picture may be missing or unreadable.
    const found = await digest(picture, nameOf(picture)).catch(() => digest(picture, picture.file));
    return { ...picture, digest: found };
  });
  // Where the cache cannot be written, as on a read-only disk, the files are read again each time.
  if (isChanged || lines.length !== known.size) await write(file, folder, lines).catch(() => {});
  return { ...dataset, pictures };
}

async function write(file: string, folder: string, lines: Line[]): Promise<void> {
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  await makeFolder(join(folder, '.cache'));
  await writeFileAtomically(file, text);
}
