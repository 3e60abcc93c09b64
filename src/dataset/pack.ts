import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { temporaryName, writeFileAtomically } from '../files.ts';
import { decodePicture, type PictureSize } from '../images/decode.ts';
import type { Dataset } from './scan.ts';

export interface Pack {
  /** Raw uint8 pictures [height, width, channels], one after the other, in the dataset's order. */
  file: string;
  /** Bytes of one picture. */
  pictureBytes: number;
}

function keyOf(dataset: Dataset, size: PictureSize): string {
  return createHash('sha256')
    .update(JSON.stringify([size, dataset.pictures]))
    .digest('hex');
}

/** Decodes every picture once into one file below data/.cache, so that training only reads bytes. */
export async function packPictures(
  dataset: Dataset,
  options: { folder: string; size: PictureSize; workers: number; onProgress?: (done: number) => void },
): Promise<Pack> {
  const { size, workers, onProgress } = options;
  const folder = join(options.folder, '.cache');
  const file = join(folder, 'pictures.u8');
  const keyFile = join(folder, 'pictures.key');
  const pack = { file, pictureBytes: size.width * size.height * size.channels };
  const key = keyOf(dataset, size);
  const known = await readFile(keyFile, 'utf8').catch(() => '');
  if (known === key) return pack;

  await mkdir(folder, { recursive: true });
  await rm(keyFile, { force: true });
  const temporary = temporaryName(file);
  try {
    await decodeInto(temporary, dataset, { size, workers, onProgress });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  await writeFileAtomically(keyFile, key);
  return pack;
}

async function decodeInto(
  file: string,
  dataset: Dataset,
  {
    size,
    workers,
    onProgress,
  }: { size: PictureSize; workers: number; onProgress?: ((done: number) => void) | undefined },
): Promise<void> {
  const handle = await open(file, 'w');
  let done = 0;
  try {
    await mapConcurrently(dataset.pictures, workers, async (picture, index) => {
      const pixels = await decodePicture(picture.file, size).catch((error) => {
        throw new UserError(`${picture.file} cannot be read (${reason(error)}); remove it and train again.`);
      });
      await handle.write(pixels, 0, pixels.length, index * pixels.length);
      onProgress?.(++done);
    });
  } finally {
    await handle.close();
  }
}
