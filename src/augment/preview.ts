import { join } from 'node:path';
import sharp from 'sharp';
import { reason, UserError } from '../errors.ts';
import { type ClassFolder, findPictures } from '../images/find.ts';
import { findGenerated } from '../images/generated.ts';
import { writeFileAtomically } from '../system/files.ts';
import type { AugmentOptions } from './augment.ts';
import { keyOf } from './copies.ts';
import { classOf, partnerOf } from './partners.ts';
import { decodeSource, fitTo, type Picture } from './picture.ts';
import { type Pipeline, pipelineOf, samplePipeline } from './pipeline.ts';
import { render } from './render.ts';

const mostPictures = 4;
const samples = 4;
/** Pixels. */
const tile = 160;
const gap = 6;
const labelHeight = 18;

export interface Preview {
  file: string;
  /** The sources shown, a row each. */
  pictures: string[];
  /** What the columns show: the source, each operation, whole pipelines. */
  columns: string[];
}

/** What a cell shows. */
interface Cell {
  label: string;
  picture: Picture;
}

/** The first source of each class, then the second, and so on. */
async function chooseSources(rawData: string, classes: ClassFolder[]): Promise<string[]> {
  const lists = classes.map(({ name, pictures }) => pictures.map((picture) => `${name}/${picture}`));
  const generated = await findGenerated(rawData, lists.flat());
  for (const [index, list] of lists.entries()) lists[index] = list.filter((path) => !generated.has(path));
  const longest = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? [])).flat();
}

/**
 * Draws a sheet, PNG: a row for each of some sources, with what each operation of its class's pipeline does to it by
 * itself, and then copies as augmentAll makes them.
 * @throws {UserError} where there is no readable source.
 */
export async function previewAugment(options: AugmentOptions, file: string): Promise<Preview> {
  const { rawData, seed, longestSide = 512 } = options;
  const { classes } = await findPictures(rawData);
  const sources = await chooseSources(rawData, classes);
  const decode = (source: string) => decodeSource(join(rawData, source), longestSide);
  const rows: { source: string; cells: Cell[] }[] = [];
  for (const source of sources) {
    const picture = await decode(source).catch(() => undefined);
    if (!picture) continue;
    const pipeline = pipelineOf(options, classOf(source));
    const vary = (some: Pipeline, copy: number) =>
      render(picture, samplePipeline(some, keyOf(seed, source, copy), picture), async (mix, size) =>
        fitTo(await decode(partnerOf(mix, source, sources)), size),
      );
    const cells: Cell[] = [{ label: source, picture }];
    for (const step of pipeline) {
      cells.push({ label: step.operation.name, picture: await vary([{ ...step, probability: 1 }], 1) });
    }
    for (let copy = 1; copy <= samples; copy++) {
      cells.push({ label: `copy ${copy}`, picture: await vary(pipeline, copy) });
    }
    rows.push({ source, cells });
    if (rows.length === mostPictures) break;
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
  const places = rows.flatMap(({ cells }, row) =>
    cells.map((cell, column) => ({
      ...cell,
      left: gap + column * (tile + gap),
      top: gap + row * (tile + labelHeight + gap),
    })),
  );
  const pictures = await Promise.all(
    places.map(async ({ picture, left, top }) => ({
      input: await tileOf(picture),
      left,
      top: top + labelHeight,
    })),
  );
  const labels = places.map(
    ({ label, left, top }) => `<text x="${left}" y="${top + 13}">${escapeXml(shortened(label))}</text>`,
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

/** What fits above a tile; of a path, its end. */
function shortened(label: string): string {
  return label.length > 24 ? `…${label.slice(-23)}` : label;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
