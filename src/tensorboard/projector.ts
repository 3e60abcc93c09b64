import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { cannotWrite } from '../errors.ts';
import { makeFolder, writeFileAtomically } from '../system/files.ts';
import type { PixelSize } from './drawings/picture.ts';

/** The folder, within a run, where TensorBoard looks for embeddings (tensorboard/plugins/projector/metadata.py). */
export const projectorFolder = join('plugins', 'org_tensorflow_tensorboard_projector');

/** Sides of a picture in the sprite, and of the largest sprite that the projector accepts, pixels. */
const thumbnailSide = 40;
const maxSpriteSide = 8192;
/** As many as fit in one sprite, and as a browser can still rotate smoothly. */
export const maxPoints = Math.min(1000, Math.floor(maxSpriteSide / thumbnailSide) ** 2);

/** Points for TensorBoard's projector. */
export interface Embedding {
  /** The layer that they are the output of, e.g. 'relu4'. */
  name: string;
  /** [points, dimensions] */
  vectors: Float32Array;
  dimensions: number;
  /** [points] values by column, to colour and search by. */
  columns: Record<string, string[]>;
  /** What {@link thumbnails} returns; absent where sprite.png is there already. */
  pictures?: Uint8Array;
  channels: 1 | 3;
}

/** uint8 [count, height, width, channels] -> uint8 [count, 40, 40, channels], resized at once as one tall picture. */
export function thumbnails(
  pixels: Uint8Array,
  count: number,
  { width, height, channels }: PixelSize,
): Promise<Buffer> {
  return sharp(pixels, { raw: { width, height: height * count, channels }, limitInputPixels: false })
    .resize(thumbnailSide, thumbnailSide * count, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
}

/** A PNG of all thumbnails in a square grid. */
async function spriteOf(pictures: Uint8Array, count: number, channels: 1 | 3): Promise<Buffer> {
  const columns = Math.ceil(Math.sqrt(count));
  const line = thumbnailSide * channels;
  const side = columns * thumbnailSide;
  const pixels = new Uint8Array(side * side * channels).fill(255);
  for (let index = 0; index < count; index++) {
    const left = (index % columns) * line;
    const top = Math.floor(index / columns) * thumbnailSide;
    for (let y = 0; y < thumbnailSide; y++) {
      const from = (index * thumbnailSide + y) * line;
      pixels.set(pictures.subarray(from, from + line), (top + y) * side * channels + left);
    }
  }
  return sharp(pixels, { raw: { width: side, height: side, channels } })
    .png()
    .toBuffer();
}

/** One line per picture, after a header line; the projector expects no header where there is only one column. */
function metadataOf(columns: Record<string, string[]>): string {
  const names = Object.keys(columns);
  const rows = Object.values(columns)[0]?.map((_, row) => names.map((name) => columns[name]?.[row] ?? ''));
  const lines = names.length > 1 ? [names, ...(rows ?? [])] : (rows ?? []);
  return `${lines.map((line) => line.map((cell) => cell.replace(/\s+/g, ' ')).join('\t')).join('\n')}\n`;
}

/**
 * The bytes of the vectors. The projector takes a file that is valid UTF-8 for text. Writing zeros as -0, whose byte 0x80
 * is invalid UTF-8, prevents that: about half of all values after a ReLU are zero.
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
    single_image_dim: [${thumbnailSide}, ${thumbnailSide}]
  }
}
`;
}

/**
 * Writes the projector's files of a run. Each is replaced atomically, and the configuration, which names the others, is
 * written last.
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
    // Left by a training that was killed while it wrote.
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
