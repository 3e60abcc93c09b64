import { join } from 'node:path';
import sharp from 'sharp';
import { reason, UserError } from '../errors.ts';
import { type ClassFolder, findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { writeFileAtomically } from '../system/files.ts';
import type { AugmentOptions } from './augment.ts';
import { keyOf } from './copies.ts';
import { choosePartner, classOf } from './partners.ts';
import { decodeSource, type Picture, stretchTo } from './picture.ts';
import { allPipelines, findMixing, type Pipeline, pipelineOf, samplePipeline } from './pipeline.ts';
import { readableSources } from './plan.ts';
import { render } from './render.ts';

const maxRows = 4;
const copiesPerRow = 4;
/** Pixels. */
const tile = 160;
const gap = 6;
const labelHeight = 18;

export interface Preview {
  /** The PNG that was written. */
  file: string;
  /** Paths below rawdata of the sources shown, one per row. */
  pictures: string[];
  /** Labels of the columns: the source, each operation by itself, then whole copies. */
  columns: string[];
}

interface Cell {
  label: string;
  picture: Picture;
}

/** The first source of each class, then the second of each, and so on. */
async function chooseSources(rawData: string, classes: ClassFolder[]): Promise<string[]> {
  const lists = classes.map(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = await findGenerated(rawData, lists.flat());
  for (const [index, list] of lists.entries()) lists[index] = list.filter((path) => !generated.has(path));
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat();
}

/**
 * Draws a sheet, PNG, of what augmentAll would do with the same options: a row for each of up to four sources, with each
 * operation of its class's pipeline by itself, then four copies. Nothing else is written.
 * @param file where to write the sheet; it is replaced.
 * @throws {UsageError} for an unknown operation or parameter.
 * @throws {UserError} where there is no readable source, or the sheet cannot be written.
 *
 * @example
 * ```ts
 * import { previewAugment } from 'bat-sup';
 *
 * const options = { rawData: 'rawdata', target: 20, operations: ['rotate', 'zoom'], seed: 1, workers: 0 } as const;
 * const { file, columns } = await previewAugment(options, 'sheet.png');
 * console.log(file, columns);
 * ```
 */
export async function previewAugment(options: AugmentOptions, file: string): Promise<Preview> {
  const { rawData, seed, longestSide = 512 } = options;
  const mixes = findMixing(allPipelines(options)) !== undefined;
  const { classes } = await findPictures(rawData);
  const decode = (source: string) => decodeSource(join(rawData, source), longestSide);
  let sources = await chooseSources(rawData, classes);
  // As in augmentAll: only what can be read is mixed in.
  if (mixes)
    ({ sources } = await readableSources(sources, options, async (source) => void (await decode(source))));
  const rows: { source: string; cells: Cell[] }[] = [];
  for (const source of sources) {
    const picture = await decode(source).catch(() => undefined);
    if (!picture) continue;
    const pipeline = pipelineOf(options, classOf(source));
    const vary = (steps: Pipeline, copy: number) =>
      render(picture, samplePipeline(steps, keyOf(seed, source, copy), picture), async (mix, size) =>
        stretchTo(await decode(choosePartner(mix, source, sources)), size),
      );
    const cells: Cell[] = [{ label: source, picture }];
    for (const step of pipeline) {
      cells.push({ label: step.operation.name, picture: await vary([{ ...step, probability: 1 }], 1) });
    }
    for (let copy = 1; copy <= copiesPerRow; copy++) {
      cells.push({ label: `copy ${copy}`, picture: await vary(pipeline, copy) });
    }
    rows.push({ source, cells });
    if (rows.length === maxRows) break;
  }
  if (rows.length === 0) throw new UserError(`${rawData} holds no readable picture to show; add some.`);
  await writeSheet(rows, file);
  const widest = rows.reduce((a, b) => (b.cells.length > a.cells.length ? b : a));
  return {
    file,
    pictures: rows.map(({ source }) => source),
    columns: ['source', ...widest.cells.slice(1).map(({ label }) => label)],
  };
}

async function writeSheet(rows: { cells: Cell[] }[], file: string): Promise<void> {
  const columns = Math.max(...rows.map(({ cells }) => cells.length));
  const width = gap + columns * (tile + gap);
  const height = gap + rows.length * (tile + labelHeight + gap);
  const tiles = rows.flatMap(({ cells }, row) =>
    cells.map((cell, column) => ({
      ...cell,
      left: gap + column * (tile + gap),
      top: gap + row * (tile + labelHeight + gap),
    })),
  );
  const pictures = await Promise.all(
    tiles.map(async ({ picture, left, top }) => ({
      input: await tileOf(picture),
      left,
      top: top + labelHeight,
    })),
  );
  const labels = tiles.map(
    ({ label, left, top }) => `<text x="${left}" y="${top + 13}">${escapeXml(shorten(label))}</text>`,
  );
  const text = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"` +
      ` font-family="sans-serif" font-size="12">${labels.join('')}</svg>`,
  );
  const sheet = sharp({ create: { width, height, channels: 3, background: 'white' } });
  const png = await sheet
    .composite([...pictures, { input: text, left: 0, top: 0 }])
    .png()
    .toBuffer();
  await writeFileAtomically(file, png).catch((error) => {
    throw new UserError(`${file} cannot be written: ${reason(error)}`);
  });
}

function tileOf({ data, width, height }: Picture): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .resize(tile, tile, { fit: 'contain', background: '#dddddd' })
    .png()
    .toBuffer();
}

/** As much of a label as fits above a tile; the end of a path. */
function shorten(label: string): string {
  return label.length > 24 ? `…${label.slice(-23)}` : label;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
