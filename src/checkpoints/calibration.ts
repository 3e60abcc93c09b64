import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { writeFileAtomically } from '../system/files.ts';
import { readJson } from '../system/read_json.ts';
import { finite, object, oneOf, time, whole } from '../text/json.ts';

/**
 * calibration.json, beside a checkpoint's weights: the temperature that calibrates its probabilities (Guo et al. 2017).
 */
export interface StoredCalibration {
  format: 'bat-sup calibration';
  version: 1;
  /** Above 0; the logits are divided by it before softmax. */
  temperature: number;
  /** How many pictures it was fitted on. */
  pictures: number;
  /** ISO 8601. */
  saved: string;
}

const fileOf = (checkpoint: string) => join(checkpoint, 'calibration.json');

/** Stores a temperature with a checkpoint. @throws {UserError} where it cannot be written. */
export async function saveCalibration(
  checkpoint: string,
  { temperature, pictures }: { temperature: number; pictures: number },
): Promise<void> {
  const stored: StoredCalibration = {
    format: 'bat-sup calibration',
    version: 1,
    temperature,
    pictures,
    saved: new Date().toISOString(),
  };
  await writeFileAtomically(fileOf(checkpoint), `${JSON.stringify(stored, null, 2)}\n`).catch((error) => {
    throw new UserError(`${fileOf(checkpoint)} cannot be written: ${reason(error)}`);
  });
}

const calibrationShape = object({
  format: oneOf('bat-sup calibration'),
  version: oneOf(1),
  temperature: finite,
  pictures: whole(),
  saved: time,
});

/**
 * The temperature that the logits are divided by before softmax; 1 where the checkpoint was not calibrated.
 * @throws {UserError} where calibration.json is damaged.
 */
export async function readTemperature(checkpoint: string): Promise<number> {
  return (await readCalibration(checkpoint))?.temperature ?? 1;
}

/**
 * The calibration of a checkpoint; undefined where it was not calibrated.
 * @throws {UserError} where calibration.json is damaged.
 */
export async function readCalibration(checkpoint: string): Promise<StoredCalibration | undefined> {
  const file = fileOf(checkpoint);
  try {
    const stored = await readJson<StoredCalibration>(file, { maxBytes: 65536, shape: calibrationShape });
    if (stored.temperature <= 0) throw new Error('its temperature is not above 0');
    return stored;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `${file} is damaged; delete it, then make a new one with "bat-sup evaluate --calibrate" (${reason(error)}).`,
    );
  }
}
