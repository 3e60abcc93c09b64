import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { writeFileAtomically } from '../system/files.ts';
import { readJson } from '../system/read_json.ts';
import { finite, list, object, oneOf, time, whole } from '../text/json.ts';
import type { Checkpoint } from './scan.ts';

/** thresholds.json, beside a checkpoint's weights: thresholds that `evaluate` chose, which replace those of the training. */
interface StoredThresholds {
  format: 'bat-sup thresholds';
  version: 1;
  /** [classes], the probability from which each is answered. */
  thresholds: number[];
  /** The precision that was asked for, 0..1. */
  minPrecision: number;
  /** How many pictures they were chosen on. */
  pictures: number;
  /** ISO 8601. */
  saved: string;
}

const fileOf = (checkpoint: string) => join(checkpoint, 'thresholds.json');

/** Stores thresholds with a checkpoint. @throws {UserError} where they cannot be written. */
export async function saveThresholds(
  checkpoint: string,
  chosen: Pick<StoredThresholds, 'thresholds' | 'minPrecision' | 'pictures'>,
): Promise<void> {
  const stored: StoredThresholds = {
    format: 'bat-sup thresholds',
    version: 1,
    ...chosen,
    saved: new Date().toISOString(),
  };
  await writeFileAtomically(fileOf(checkpoint), `${JSON.stringify(stored, null, 2)}\n`).catch((error) => {
    throw new UserError(`${fileOf(checkpoint)} cannot be written: ${reason(error)}`);
  });
}

const shape = object({
  format: oneOf('bat-sup thresholds'),
  version: oneOf(1),
  thresholds: list(finite),
  minPrecision: finite,
  pictures: whole(),
  saved: time,
});

/** The probability from which a class is answered where no validation has chosen another. */
const defaultThreshold = 0.5;

/**
 * The probability from which each class is answered: as evaluate chose it, or else the training; undefined where the classes
 * exclude each other.
 * @throws {UserError} where thresholds.json is damaged.
 */
export async function readThresholds({ folder, manifest }: Checkpoint): Promise<number[] | undefined> {
  const { classes, isMultiLabel } = manifest.model;
  if (!isMultiLabel) return undefined;
  const file = fileOf(folder);
  try {
    const { thresholds } = await readJson<StoredThresholds>(file, { maxBytes: 2 ** 20, shape });
    if (thresholds.length !== classes.length) throw new Error('it has thresholds of other classes');
    return thresholds;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return manifest.thresholds ?? classes.map(() => defaultThreshold);
    throw new UserError(
      `${file} is damaged; delete it to use the thresholds of the training (${reason(error)}).`,
    );
  }
}
