import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { mapConcurrently } from '../async/concurrency.ts';
import { reason, UserError } from '../errors.ts';
import { decodePicture } from '../images/decode.ts';
import type { PictureSize } from '../images/picture_size.ts';
import { makeFolder, temporaryName, writeFileAtomically } from '../system/files.ts';
import { Looks } from './looks.ts';
import type { Dataset, Picture } from './scan.ts';

/** All pictures of a dataset, decoded, in one file. */
export interface Pack {
  /** See {@link packKey}; keyFile stores it beside the pack. */
  key: string;
  keyFile: string;
  /** uint8 [pictures, height, width, channels], in the dataset's order. */
  file: string;
  /** Bytes of one picture. */
  pictureBytes: number;
  /** [pictures]: the index of the first picture that looks the same, directly or via others; its own if none does. */
  lookalikes: Int32Array;
}

interface PackOptions {
  folder: string;
  size: PictureSize;
  workers: number;
  onProgress?: (done: number) => void;
}

/** Bump when the pack of the same pictures changes. */
const packVersion = 3;

/** A digest of the pictures and the size they are decoded to. */
export function packKey(dataset: Dataset, size: PictureSize): string {
  const hash = createHash('sha256').update(JSON.stringify([packVersion, size]));
  for (const { file, label, stamp, copyOf } of dataset.pictures)
    hash.update(JSON.stringify([file, label, stamp, copyOf]));
  return hash.digest('hex');
}

/**
 * Decodes every picture into one file in data/.cache, so that training only reads bytes, and finds near duplicates. An
 * existing pack of the same pictures is used again.
 * @throws {UserError} for a picture that cannot be decoded.
 */
export async function packPictures(dataset: Dataset, options: PackOptions): Promise<Pack> {
  const { size } = options;
  const folder = join(options.folder, '.cache');
  const file = join(folder, 'pictures.u8');
  const lookalikesFile = join(folder, 'lookalikes.i32');
  const keyFile = join(folder, 'pictures.key');
  const pictureBytes = size.width * size.height * size.channels;
  const key = packKey(dataset, size);
  const known = await readFile(keyFile, 'utf8').catch(() => '');
  if (known === (await keyOf(file, key).catch(() => undefined)))
    return { key, keyFile, file, pictureBytes, lookalikes: await readLookalikes(lookalikesFile) };

  await makeFolder(folder);
  await rm(keyFile, { force: true });
  const temporary = temporaryName(file);
  try {
    const lookalikes = await decodeInto(temporary, dataset, options);
    const made = await keyOf(temporary, key);
    await rename(temporary, file);
    await writeFileAtomically(lookalikesFile, littleEndian(new Uint8Array(lookalikes.buffer)));
    await writeFileAtomically(keyFile, made);
    return { key, keyFile, file, pictureBytes, lookalikes };
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The content of the key file: the key, and the inode of the pack. Two commands may be packing at once. */
export async function keyOf(file: string, key: string): Promise<string> {
  return `${key} ${(await stat(file)).ino}`;
}

/**
 * Opens a pack for reading.
 * @throws {UserError} where another command has replaced it by a pack of other pictures or of another size.
 */
export async function openPack({ file, key, keyFile }: Pack): Promise<FileHandle> {
  const handle = await open(file);
  const { ino } = await handle.stat();
  if ((await readFile(keyFile, 'utf8').catch(() => '')) === `${key} ${ino}`) return handle;
  await handle.close();
  throw new UserError(
    `${file} was replaced by another command during training; wait until that has ended, then --resume.`,
  );
}

/** 4-byte numbers from the byte order of this machine to little-endian, or back. */
function littleEndian(bytes: Uint8Array): Uint8Array {
  return endianness() === 'LE' ? bytes : Buffer.from(bytes).swap32();
}

async function readLookalikes(file: string): Promise<Int32Array> {
  const bytes = Uint8Array.from(littleEndian(await readFile(file)));
  return new Int32Array(bytes.buffer);
}

/** Decodes all pictures. @returns their lookalikes. */
async function decodeInto(file: string, dataset: Dataset, options: PackOptions): Promise<Int32Array> {
  const { pictures } = dataset;
  const looks = new Looks(pictures, options.size);
  const handle = await open(file, 'w');
  let done = 0;
  try {
    await mapConcurrently(pictures, options.workers, async (picture, index) => {
      const pixels = await decodeTo(handle, picture, index, options.size);
      // Copies of augment stay on the side of their source anyway.
      if (picture.copyOf === undefined) looks.add(index, pixels);
      options.onProgress?.(++done);
    });
  } finally {
    await handle.close();
  }
  return looks.lookalikes();
}

async function decodeTo(
  handle: FileHandle,
  picture: Picture,
  index: number,
  size: PictureSize,
): Promise<Uint8Array> {
  const pixels = await decodePicture(picture.file, size).catch((error) => {
    throw new UserError(`${picture.file} cannot be read (${reason(error)}); remove it and train again.`);
  });
  await handle.write(pixels, 0, pixels.length, index * pixels.length);
  return pixels;
}
