import { realpathSync, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { search } from '../images/find.ts';
import { changeTime } from '../system/change_time.ts';
import type { FeatureNetwork } from '../transfer/feature_network.ts';
import { type FileFeatureOptions, featuresOfFiles } from '../transfer/file_features.ts';
import { indexFile, readIndex, writeIndex } from './index_file.ts';
import { type Match, makeIndex, nearestIn, type PictureIndex } from './picture_index.ts';

export interface SimilarOptions extends FileFeatureOptions {
  /** The picture in question: a path. */
  picture: string;
  /** The folder that is searched, at any depth. */
  folder: string;
  count: number;
  /** Called for each file that cannot be read, when it is met first. */
  onFailure?: (file: string, reason: string) => void;
  /** Called with messages for the user. */
  onNotice?: (text: string) => void;
}

/** The files of a folder, with sizes and times. A file that is removed meanwhile has the stamp 0, 0. */
async function listFiles(folder: string): Promise<Pick<PictureIndex, 'paths' | 'stamps'>> {
  const { files: paths } = await search(folder);
  const stamps = new Float64Array(2 * paths.length);
  for (const [index, path] of paths.entries()) {
    const found = statSync(join(folder, path), { throwIfNoEntry: false });
    if (found) stamps.set([found.size, changeTime(found)], 2 * index);
  }
  return { paths, stamps };
}

function isSameListing(
  index: PictureIndex,
  { paths, stamps }: Pick<PictureIndex, 'paths' | 'stamps'>,
): boolean {
  return (
    index.paths.length === paths.length &&
    paths.every((path, at) => path === index.paths[at]) &&
    stamps.every((value, at) => value === index.stamps[at])
  );
}

/** The index of a folder as it is now: the stored one, or a new one, for which only new pictures are computed. */
async function currentIndex(
  network: FeatureNetwork,
  options: SimilarOptions,
): Promise<PictureIndex | undefined> {
  const { folder, onFailure, onNotice } = options;
  const file = indexFile(await realpath(folder), network.key);
  const [stored, listing] = await Promise.all([readIndex(file), listFiles(folder)]);
  if (stored && isSameListing(stored, listing)) return stored;
  const paths = listing.paths.map((path) => join(folder, path));
  const found = await featuresOfFiles(paths, network, options);
  if (!found) return undefined;
  for (const [index, why] of found.failures) onFailure?.(paths[index] as string, why);
  const rows = new Int32Array(paths.length).fill(-1);
  for (const [row, index] of found.read.entries()) rows[index] = row;
  const index = makeIndex(listing, { features: found.features, length: network.length, rows });
  await writeIndex(file, index).catch((error) =>
    onNotice?.(`${file} cannot be written (${reason(error)}); the next search makes it again.`),
  );
  return index;
}

/** Whether a path is that of a file, or of a link to it. @param file its real path. */
function leadsTo(file: string, path: string): boolean {
  try {
    return realpathSync(path) === file;
  } catch {
    return false; // removed meanwhile
  }
}

/**
 * The pictures of a folder that resemble one most. An engine must be running. What the folder's pictures look like is kept in
 * the cache, so that a second search takes a moment, whatever the picture.
 * @returns the nearest first, without the picture itself; undefined where the signal ended it.
 * @throws {UserError} where the picture or the folder cannot be read.
 */
export async function findSimilar(
  network: FeatureNetwork,
  options: SimilarOptions,
): Promise<Match[] | undefined> {
  const { picture, folder, count } = options;
  const pixels = await network.decode(picture).catch((error) => {
    throw new UserError(`${picture} cannot be read (${reason(error)}); give a picture.`);
  });
  const features = await network.features([pixels]);
  const index = await currentIndex(network, options);
  if (!index) return undefined;
  const own = await realpath(picture);
  return nearestIn(index, features, { count, isLeftOut: (path) => leadsTo(own, join(folder, path)) });
}
