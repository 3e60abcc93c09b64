import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { cannotWrite } from '../errors.ts';
import { makeFolder, writeFileAtomically } from '../system/files.ts';
import type { PixelSize } from './drawings/picture.ts';

/** Where TensorBoard looks for a run's embeddings (tensorboard/plugins/projector/metadata.py). */
export const projectorFolder = join('plugins', 'org_tensorflow_tensorboard_projector');

/** Pixels a side of a picture in the sprite, and of the whole sprite at most as the projector takes it. */
const thumbnail = 40;
const spriteSide = 8192;
/** As many as one sprite holds, and the browser still turns smoothly. */
export const mostPoints = Math.min(1000, Math.floor(spriteSide / thumbnail) ** 2);

export interface Embedding {
  /** e.g. 'relu4'. */
  name: string;
  /** float32, one row of `dimensions` a picture. */
  vectors: Float32Array;
  dimensions: number;
  /** What can be coloured and searched by: a value a picture, by column. */
  columns: Record<string, string[]>;
  /** Each picture small, as {@link thumbnails} makes them; absent where they are there from before. */
  pictures?: Uint8Array;
  channels: 1 | 3;
}

/** uint8 [count, height, width, channels] -> [count, 40, 40, channels], all at once as one tall picture. */
export function thumbnails(
  pixels: Uint8Array,
  count: number,
  { width, height, channels }: PixelSize,
): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height: height * count, channels }, limitInputPixels: false })
    .resize(thumbnail, thumbnail * count, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
}

/** Thumbnails in rows, as many across as down. */
async function spriteOf(pictures: Uint8Array, count: number, channels: 1 | 3): Promise<Buffer> {
  const columns = Math.ceil(Math.sqrt(count));
  const line = thumbnail * channels;
  const side = columns * thumbnail;
  const pixels = new Uint8Array(side * side * channels).fill(255);
  for (let index = 0; index < count; index++) {
    const left = (index % columns) * line;
    const top = Math.floor(index / columns) * thumbnail;
    for (let y = 0; y < thumbnail; y++) {
      const from = (index * thumbnail + y) * line;
      pixels.set(pictures.subarray(from, from + line), (top + y) * side * channels + left);
    }
  }
  return sharp(pixels, { raw: { width: side, height: side, channels } })
    .png()
    .toBuffer();
}

/** One line for each picture; a line of headings where there are two columns or more, as the projector wants it. */
function metadataOf(columns: Record<string, string[]>): string {
  const names = Object.keys(columns);
  const rows = Object.values(columns)[0]?.map((_, row) => names.map((name) => columns[name]?.[row] ?? ''));
  const lines = names.length > 1 ? [names, ...(rows ?? [])] : (rows ?? []);
  return `${lines.map((line) => line.map((cell) => cell.replace(/\s+/g, ' ')).join('\t')).join('\n')}\n`;
}

/**
 * The bytes of the vectors. The projector takes a file for text unless it is no UTF-8: the minus zeros that zeros are
 * written as see to it that it is none, as rectified features are zero by half.
 */
function vectorBytes(vectors: Float32Array): Uint8Array {
  const values = vectors.map((value) => (value === 0 ? -0 : value));
  return new Uint8Array(values.buffer);
}

/** ProjectorConfig as text (tensorboard/plugins/projector/projector_config.proto). */
function configOf({ name, dimensions }: Embedding, count: number): string {
  return `embeddings {
  tensor_name: ${JSON.stringify(name)}
  tensor_path: "tensors.bytes"
  tensor_shape: [${count}, ${dimensions}]
  metadata_path: "metadata.tsv"
  sprite {
    image_path: "sprite.png"
    single_image_dim: [${thumbnail}, ${thumbnail}]
  }
}
`;
}

/**
 * Writes what the projector shows of a run; each file is whole at any moment, the one that names them last.
 * @throws {UserError} where they cannot be written.
 */
export async function writeEmbedding(run: string, embedding: Embedding): Promise<void> {
  const folder = join(run, projectorFolder);
  await writeFiles(folder, embedding).catch((error) => cannotWrite(folder, error));
}

async function writeFiles(folder: string, embedding: Embedding): Promise<void> {
  const count = embedding.vectors.length / embedding.dimensions;
  await makeFolder(folder);
  for (const name of await readdir(folder)) {
    // The rest of a file that a killed run was at.
    if (/\.tmp-\d+$/.test(name)) await rm(join(folder, name), { force: true });
  }
  if (embedding.pictures) {
    const sprite = await spriteOf(embedding.pictures, count, embedding.channels);
    await writeFileAtomically(join(folder, 'sprite.png'), sprite);
  }
  await writeFileAtomically(join(folder, 'metadata.tsv'), metadataOf(embedding.columns));
  await writeFileAtomically(join(folder, 'tensors.bytes'), vectorBytes(embedding.vectors));
  await writeFileAtomically(join(folder, 'projector_config.pbtxt'), configOf(embedding, count));
}
