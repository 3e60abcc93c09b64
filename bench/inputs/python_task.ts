import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packPictures } from '../../src/dataset/pack.ts';
import { scanDataset } from '../../src/dataset/scan.ts';
import { splitPictures } from '../../src/dataset/split.ts';
import { decodePicture } from '../../src/images/decode.ts';

export interface SplitTask {
  /** Holds data/<class>/* to learn from and held-out/<class>/* to evaluate on. */
  pictures: string;
  /** Width and height in pixels. */
  size: number;
  seed: number;
  /** Share of data/ to hold back for validation. */
  validationSplit: number;
}

/** The pictures to evaluate on, never trained on: uint8 pixels and the indices of their classes. */
export async function readHeldOut(
  pictures: string,
  size: number,
): Promise<{ labels: number[]; pixels: Uint8Array[] }> {
  const dataset = await scanDataset(join(pictures, 'held-out'));
  const shape = { width: size, height: size, channels: 3, fit: 'fill' } as const;
  return {
    labels: dataset.pictures.map(({ label }) => label),
    pixels: await Promise.all(dataset.pictures.map(({ file }) => decodePicture(file, shape))),
  };
}

/**
 * Writes into `folder` what a script in Python needs to train on the same pixels and the same split as ours: task.json,
 * with `settings` beside the paths of raw pictures, their labels and the indices of each side of the split.
 * @returns the path of task.json.
 */
export async function writePythonTask(
  folder: string,
  { pictures, size, seed, validationSplit }: SplitTask,
  settings: object = {},
): Promise<string> {
  const data = join(pictures, 'data');
  const dataset = await scanDataset(data);
  const shape = { width: size, height: size, channels: 3, fit: 'fill' } as const;
  const { file, lookalikes } = await packPictures(dataset, { folder: data, size: shape, workers: 0 });
  const classes = dataset.classes.length;
  const split = splitPictures(dataset.pictures, { classes, share: validationSplit, seed, lookalikes });
  const heldOut = await readHeldOut(pictures, size);
  const heldOutFile = join(folder, 'held-out.u8');
  writeFileSync(heldOutFile, Buffer.concat(heldOut.pixels));
  const labels = dataset.pictures.map(({ label }) => label);
  const files = { pictures: file, heldOut: heldOutFile };
  const task = {
    ...files,
    ...split,
    labels,
    heldOutLabels: heldOut.labels,
    size,
    classes,
    seed,
    ...settings,
  };
  const taskFile = join(folder, 'task.json');
  writeFileSync(taskFile, JSON.stringify(task));
  return taskFile;
}
