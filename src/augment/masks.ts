import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { glob } from 'glob';
import sharp from 'sharp';
import { mapConcurrently } from '../async/concurrency.ts';
import { UserError } from '../errors.ts';
import { openPicture, readably, readPicture, UnreadablePicture } from '../images/decode.ts';
import { type Generated, generatedNameOf, parseGeneratedName } from '../images/generated.ts';
import { readMark, withMark } from '../images/mark.ts';
import { sniff } from '../images/sniff.ts';
import { makeFolder } from '../system/files.ts';
import { withoutPalette, withPalette } from './palette_png.ts';
import { writeWhole } from './picture.ts';
import type { Raster } from './warp/warp.ts';

/** A mask's pixels, as many bytes each as its file has, and how they are read. */
export interface Mask extends Raster {
  channels: 1 | 2 | 3 | 4;
  depth: 'uchar' | 'ushort';
  /** Of a PNG whose pixels are indices: its palette, as withoutPalette gives it. */
  palette?: Buffer | undefined;
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
 * A mask as it is stored, whatever colour profile it carries: 8 or 16 bits, one to four channels. Of a PNG with a palette
 * these are the indices, as segmentation masks of PASCAL VOC have them; of any other file with one its colours.
 * @throws {Error} with the reason in a few words.
 */
export async function readMask(file: string): Promise<Mask> {
  return readably(file, async () => {
    const bytes = await readPicture(file);
    const indexed = withoutPalette(bytes);
    const asStored = { ignoreIcc: true };
    // The samples of a TIFF as they are, not made pixels of.
    const isTiff = sniff(bytes) === 'TIFF';
    const image = isTiff ? sharp(bytes, asStored) : await openPicture(indexed?.grey ?? bytes, asStored);
    const { space, depth: stored, channels: count } = await image.metadata();
    if (stored !== 'uchar' && stored !== 'ushort')
      throw new UnreadablePicture(`its values are of type ${stored}; save it with 8 or 16 bits`);
    // Of 8-bit grey with alpha sharp gives either grey alone or RGBA.
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

/** Writes a mask as PNG, value for value. @param digests of what it was made of. */
export async function writeMask(mask: Mask, file: string, digests: string[]): Promise<void> {
  const { data, width, height, channels, depth, palette } = mask;
  const wide = depth === 'ushort';
  const values = wide ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data;
  const space = channels < 3 ? (wide ? 'grey16' : 'b-w') : wide ? 'rgb16' : 'srgb';
  const image = sharp(values, { raw: { width, height, channels } });
  const png = await image.toColourspace(space).png().toBuffer();
  await makeFolder(dirname(file));
  await writeWhole(file, withMark(palette ? withPalette(png, palette) : png, digests));
}
