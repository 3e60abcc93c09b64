import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { glob } from 'glob';
import sharp from 'sharp';
import { mapConcurrently } from '../concurrency.ts';
import { UserError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { openPicture, readably } from '../images/decode.ts';
import { type Generated, generatedNameOf, parseGeneratedName } from '../images/generated.ts';
import { readMark, withMark } from '../images/mark.ts';
import { writeWhole } from './picture.ts';
import type { Raster } from './warp/warp.ts';

/** A mask's pixels, as many bytes each as its file has, and how they are read. */
export interface Mask extends Raster {
  channels: 1 | 2 | 3 | 4;
  depth: 'uchar' | 'ushort';
}

function withoutExtension(path: string): string {
  return path.slice(0, path.length - extname(path).length);
}

/** The path of a copy's mask below the masks' folder: beside that of its source, as a PNG. */
export function maskNameOf(source: string, copy: number): string {
  return generatedNameOf(source, copy).replace(/\.jpg$/, '.png');
}

/** The path of the picture whose mask this would be, were it generated. */
function pictureOf(mask: string): string {
  return mask.replace(/\.png$/, '.jpg');
}

/** Every mask below a folder. */
async function findMasks(folder: string): Promise<string[]> {
  return (await glob('**/*', { cwd: folder, nodir: true, posix: true })).sort();
}

/**
 * The mask of each source: the file of the same path below the masks' folder, with any extension.
 * @throws {UserError} where the folder is missing, or two files could be a source's mask.
 */
export async function pairMasks(
  folder: string,
  sources: string[],
  generated: ReadonlyMap<string, Generated>,
): Promise<Map<string, string>> {
  if (!existsSync(folder))
    throw new UserError(`${folder} is not there; --masks names the folder of the masks.`);
  const byName = new Map<string, string[]>();
  for (const mask of await findMasks(folder)) {
    if (generated.has(pictureOf(mask))) continue;
    byName.set(withoutExtension(mask), [...(byName.get(withoutExtension(mask)) ?? []), mask]);
  }
  const pairs = new Map<string, string>();
  for (const source of sources) {
    const [mask, other] = byName.get(withoutExtension(source)) ?? [];
    if (other)
      throw new UserError(
        `${join(folder, mask as string)} and ${other} are both the mask of ${source}; remove one.`,
      );
    if (mask) pairs.set(source, mask);
  }
  return pairs;
}

/** Whether a mask is there that augment made. */
export async function isOwnMask(file: string): Promise<boolean> {
  return (await readMark(file)) !== undefined;
}

/** The masks below a folder that have names of augment's, and whether it made each. */
async function findNamed(folder: string): Promise<[mask: string, isOwn: boolean][]> {
  const masks = (await findMasks(folder)).filter((mask) => parseGeneratedName(pictureOf(mask)));
  return mapConcurrently(masks, 0, async (mask) => [mask, await isOwnMask(join(folder, mask))]);
}

/**
 * Every generated mask below a folder.
 * @param unmarked pictures whose masks were made when augment did not mark them.
 */
export async function findGeneratedMasks(
  folder: string,
  unmarked: ReadonlyMap<string, Generated>,
): Promise<string[]> {
  const named = await findNamed(folder);
  return named.filter(([mask, isOwn]) => isOwn || unmarked.has(pictureOf(mask))).map(([mask]) => mask);
}

/** Masks of the user's own that are named as augment names them. */
export async function findNamesakes(folder: string): Promise<string[]> {
  return (await findNamed(folder)).filter(([, isOwn]) => !isOwn).map(([mask]) => mask);
}

/** Colour spaces that are kept; anything else becomes sRGB. */
const keptSpaces = ['b-w', 'grey16', 'rgb16'];

/**
 * A mask as it is stored: 8 or 16 bits, one to four channels; a palette's colours.
 * @throws {Error} with the reason in a few words.
 */
export async function readMask(file: string): Promise<Mask> {
  return readably(file, async () => {
    const image = await openPicture(file);
    const { space } = await image.metadata();
    const kept = keptSpaces.find((one) => one === space) ?? 'srgb';
    const depth = kept.endsWith('16') ? 'ushort' : 'uchar';
    const pixels = image.autoOrient().toColourspace(kept).raw({ depth });
    const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    const bytesPerPixel = channels * (depth === 'ushort' ? 2 : 1);
    return { data, width, height, channels, depth, bytesPerPixel };
  });
}

/** Writes a mask as PNG, value for value. @param digests of what it was made of. */
export async function writeMask(
  { data, width, height, channels, depth }: Mask,
  file: string,
  digests: string[],
): Promise<void> {
  const wide = depth === 'ushort';
  const values = wide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  const space = channels < 3 ? (wide ? 'grey16' : 'b-w') : wide ? 'rgb16' : 'srgb';
  const image = sharp(values, { raw: { width, height, channels } });
  await makeFolder(dirname(file));
  await writeWhole(file, withMark(await image.toColourspace(space).png().toBuffer(), digests));
}
