import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { glob } from 'glob';
import sharp from 'sharp';
import { mapConcurrently } from '../async/concurrency.ts';
import { UserError } from '../errors.ts';
import { asUnreadable, openPicture, readPicture, UnreadablePicture } from '../images/decode.ts';
import { type Generated, generatedNameOf, parseGeneratedName } from '../images/generated.ts';
import { readMark, withMark } from '../images/mark.ts';
import { sniff } from '../images/sniff.ts';
import { makeFolder } from '../system/files.ts';
import { joinPalette, splitPalette } from './palette_png.ts';
import { writeAtomically } from './picture.ts';
import type { Raster } from './warp/warp.ts';

/** The pixels of a mask as its file stores them. */
export interface Mask extends Raster {
  channels: 1 | 2 | 3 | 4;
  depth: 'uchar' | 'ushort';
  /** The palette of a PNG whose pixels are indices, as splitPalette returns it. */
  palette?: Buffer | undefined;
}

function withoutExtension(path: string): string {
  return path.slice(0, path.length - extname(path).length);
}

/** The path of a copy's mask below the folder of masks: a PNG beside the mask of its source. */
export function maskNameOf(source: string, copy: number): string {
  return generatedNameOf(source, copy).replace(/\.jpg$/, '.png');
}

/** The path of the generated picture whose mask would have this path. */
function pictureOf(mask: string): string {
  return mask.replace(/\.png$/, '.jpg');
}

/** Paths of all files below a folder. */
async function findMasks(folder: string): Promise<string[]> {
  return (await glob('**/*', { cwd: folder, nodir: true, posix: true })).sort();
}

/**
 * Finds the mask of each source: the file of the same path below the folder of masks, with any extension.
 * @returns paths of masks below the folder, by source; sources without a mask are left out.
 * @throws {UserError} where the folder is missing, or two files could be a source's mask.
 */
export async function pairMasks(
  folder: string,
  sources: string[],
  generated: ReadonlyMap<string, Generated>,
): Promise<Map<string, string>> {
  if (!existsSync(folder))
    throw new UserError(`There is no folder ${folder}; --masks must name the folder of the masks.`);
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

/** Whether this is the file of a mask that augment made. */
export async function isGeneratedMask(file: string): Promise<boolean> {
  return (await readMark(file)) !== undefined;
}

/** Finds the masks that are named as augment names them, and whether it made them. */
async function findNamedAsGenerated(folder: string): Promise<[mask: string, isGenerated: boolean][]> {
  const masks = (await findMasks(folder)).filter((mask) => parseGeneratedName(pictureOf(mask)));
  return mapConcurrently(masks, 0, async (mask) => [mask, await isGeneratedMask(join(folder, mask))]);
}

/**
 * Finds the masks below a folder that augment made.
 * @param unmarked generated pictures whose masks have no mark, since earlier versions made them.
 */
export async function findGeneratedMasks(
  folder: string,
  unmarked: ReadonlyMap<string, Generated>,
): Promise<string[]> {
  const named = await findNamedAsGenerated(folder);
  return named
    .filter(([mask, isGenerated]) => isGenerated || unmarked.has(pictureOf(mask)))
    .map(([mask]) => mask);
}

/** Finds the user's own masks that are named as augment would name its masks. */
export async function findNameClashes(folder: string): Promise<string[]> {
  return (await findNamedAsGenerated(folder)).filter(([, isGenerated]) => !isGenerated).map(([mask]) => mask);
}

/** Colour spaces that stay as they are; others are converted to sRGB. */
const keptSpaces = ['b-w', 'grey16', 'rgb16'];

/**
 * Reads the values of a mask as they are stored, ignoring any colour profile: 8 or 16 bits, one to four channels. A PNG
 * with a palette gives its indices, as in the segmentation masks of PASCAL VOC; other files with one give its colours.
 * @throws {UnreadablePicture} with the reason in a few words.
 */
export async function readMask(file: string): Promise<Mask> {
  return asUnreadable(file, async () => {
    const bytes = await readPicture(file);
    const indexed = splitPalette(bytes);
    const asStored = { ignoreIcc: true };
    // The samples of a TIFF as they are, not converted to pixels.
    const isTiff = sniff(bytes) === 'TIFF';
    const image = isTiff ? sharp(bytes, asStored) : await openPicture(indexed?.grey ?? bytes, asStored);
    const { space, depth: stored, channels: count } = await image.metadata();
    if (stored !== 'uchar' && stored !== 'ushort')
      throw new UnreadablePicture(`its values have the type ${stored}; save it with 8 or 16 bits`);
    // For 8-bit grey with alpha sharp gives either grey alone or RGBA.
    const isGreyAlpha = space === 'b-w' && count === 2;
    const kept = (!isGreyAlpha && keptSpaces.find((one) => one === space)) || 'srgb';
    const depth = kept.endsWith('16') ? 'ushort' : 'uchar';
    const pixels = image.autoOrient().toColourspace(kept).raw({ depth });
    const { data: all, info } = await pixels.toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const channels = isGreyAlpha ? 2 : info.channels;
    const data = isGreyAlpha ? all.filter((_, at) => at % 4 === 0 || at % 4 === 3) : all;
    if (indexed) for (const [at, value] of data.entries()) data[at] = value / indexed.scale;
    const bytesPerPixel = channels * (depth === 'ushort' ? 2 : 1);
    return { data, width, height, channels, depth, bytesPerPixel, palette: indexed?.palette };
  });
}

/**
 * Writes a mask as a marked PNG with exactly these values.
 * @param digests SHA-256 of the files that it was made from, hexadecimal.
 */
export async function writeMask(mask: Mask, file: string, digests: string[]): Promise<void> {
  const { data, width, height, channels, depth, palette } = mask;
  const wide = depth === 'ushort';
  const values = wide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  const space = channels < 3 ? (wide ? 'grey16' : 'b-w') : wide ? 'rgb16' : 'srgb';
  const image = sharp(values, { raw: { width, height, channels } });
  const png = await image.toColourspace(space).png().toBuffer();
  await makeFolder(dirname(file));
  await writeAtomically(file, withMark(palette ? joinPalette(png, palette) : png, digests));
}
