import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { realPathOf } from '../system/keep_apart.ts';
import type { FeatureNetwork, StartFeatureNetwork } from '../transfer/feature_network.ts';
import { type FileFeatureOptions, featuresOfFiles } from '../transfer/file_features.ts';
import { indexFile, readIndex, writeIndex } from './index_file.ts';
import { listInThread } from './list_in_thread.ts';
import { type Listing, pathsOf } from './listing.ts';
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

function isSameListing(one: Listing, other: Listing): boolean {
  return one.names === other.names && one.stamps.every((value, at) => value === other.stamps[at]);
}

/** What is known of the picture in question. */
interface Question {
  /** float32 [length] */
  features: Float32Array;
  /** Where the index of the folder is kept. */
  file: string;
  stored: PictureIndex | undefined;
}

/** Computes the features of the picture, and reads the index meanwhile. */
async function ask(start: StartFeatureNetwork, { picture, folder }: SimilarOptions): Promise<Question> {
  const { network, close } = await start(1);
  try {
    const file = indexFile(await realPathOf(folder), network.key);
    const [features, stored] = await Promise.all([featuresOf(picture, network), readIndex(file)]);
    return { features, file, stored };
  } finally {
    await close();
  }
}

async function featuresOf(picture: string, network: FeatureNetwork): Promise<Float32Array> {
  const pixels = await network.decode(picture).catch((error) => {
    throw new UserError(`${picture} cannot be read (${reason(error)}); give a picture.`);
  });
  return network.features([pixels]);
}

/** Makes the index of a listing, for which only new pictures are computed. @returns undefined where the signal ended it. */
async function indexOf(
  listing: Listing,
  start: StartFeatureNetwork,
  options: SimilarOptions,
): Promise<PictureIndex | undefined> {
  const { folder, onFailure } = options;
  const paths = pathsOf(listing).map((path) => join(folder, path));
  const { network, close } = await start(paths.length);
  const found = await featuresOfFiles(paths, network, options).finally(close);
  if (!found) return undefined;
  for (const [index, why] of found.failures) onFailure?.(paths[index] as string, why);
  const rows = new Int32Array(paths.length).fill(-1);
  for (const [row, index] of found.read.entries()) rows[index] = row;
  return makeIndex(listing, { features: found.features, length: network.length, rows });
}

/** Whether a path is that of a file, or of a link to it. @param file its real path. */
function leadsTo(file: string, path: string): boolean {
  try {
    return realpathSync.native(path) === file;
  } catch {
    return false; // removed meanwhile
  }
}

/**
 * The pictures of a folder that resemble one most. What the folder's pictures look like is kept in the cache, so that a second
 * search takes a moment, whatever the picture.
 * @returns the nearest first, without the picture itself; undefined where the signal ended it.
 * @throws {UserError} where the picture or the folder cannot be read.
 */
export async function findSimilar(
  start: StartFeatureNetwork,
  options: SimilarOptions,
): Promise<Match[] | undefined> {
  const { picture, folder, count, onNotice } = options;
  const pending = await listInThread(folder);
  try {
    const { features, file, stored } = await ask(start, options);
    const own = await realpath(picture);
    const isLeftOut = (path: string) => leadsTo(own, join(folder, path));
    const nearest = (index: PictureIndex) => nearestIn(index, features, { count, isLeftOut });
    // While the folder is being listed: nearly always nothing has changed.
    const matches = stored && nearest(stored);
    const listing = await pending.result;
    if (stored && isSameListing(stored, listing)) return matches;
    const index = await indexOf(listing, start, options);
    if (!index) return undefined;
    await writeIndex(file, index).catch((error) =>
      onNotice?.(`${file} cannot be written (${reason(error)}); the next search makes it again.`),
    );
    return nearest(index);
  } finally {
    await pending.stop();
  }
}
