import { join, relative, sep } from 'node:path';
import type { Dataset } from '../dataset/scan.ts';
import type { Split } from '../dataset/split.ts';
import { cannotWrite } from '../errors.ts';
import { writeFileAtomically } from '../files.ts';
import { list, object, oneOf, string, whole } from '../json.ts';
import { readJson } from '../read_json.ts';

/** <run>/validation.json: the pictures that a training never learns from. */
export interface HeldBack {
  format: 'bat-sup validation';
  version: 1;
  /** The checkpoints that it belongs to say the same. */
  dataset: string;
  /** Folder of the pictures, as the training was told. */
  data: string;
  /** Paths below it, with '/', and the index of each one's class. */
  pictures: { file: string; label: number }[];
}

const fileOf = (run: string) => join(run, 'validation.json');

/** @throws {UserError} where it cannot be written. */
export async function saveHeldBack(
  run: string,
  { data, dataset, split, digest }: { data: string; dataset: Dataset; split: Split; digest: string },
): Promise<void> {
  const pictures = split.validation.flatMap((index) => {
    const picture = dataset.pictures[index];
    return picture ? [{ file: relative(data, picture.file).split(sep).join('/'), label: picture.label }] : [];
  });
  const heldBack: HeldBack = { format: 'bat-sup validation', version: 1, dataset: digest, data, pictures };
  const text = `${JSON.stringify(heldBack)}\n`;
  await writeFileAtomically(fileOf(run), text).catch((error) => cannotWrite(fileOf(run), error));
}

/** A million pictures make a tenth of one. */
const mostBytes = 2 ** 30;

const heldBackShape = object({
  format: oneOf('bat-sup validation'),
  version: oneOf(1),
  dataset: string,
  data: string,
  pictures: list(object({ file: string, label: whole() })),
});

/** Undefined where a run has none that can be read. */
export function readHeldBack(run: string): Promise<HeldBack | undefined> {
  return readJson<HeldBack>(fileOf(run), { most: mostBytes, shape: heldBackShape }).catch(() => undefined);
}
