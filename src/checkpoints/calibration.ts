import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { writeFileAtomically } from '../files.ts';

/** What makes a checkpoint's probabilities believable; kept beside its weights as calibration.json. */
export interface StoredCalibration {
  format: 'bat-sup calibration';
  version: 1;
  /** Above 0; softmax divides the logits by it. */
  temperature: number;
  /** Pictures that it was fitted on. */
  pictures: number;
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

/**
 * The calibration of a checkpoint's folder; undefined where it has none.
 * @throws {UserError} where it is damaged.
 */
export async function readCalibration(checkpoint: string): Promise<StoredCalibration | undefined> {
  const file = fileOf(checkpoint);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new UserError(`${file} cannot be read: ${error.message}`);
  });
  if (text === undefined) return undefined;
  const stored = parse(text);
  if (stored) return stored;
  throw new UserError(`${file} is damaged; delete it, and "bat-sup evaluate" makes it anew.`);
}

function parse(text: string): StoredCalibration | undefined {
  try {
    const stored = JSON.parse(text);
    const known = stored?.format === 'bat-sup calibration' && stored.version === 1;
    return known && Number.isFinite(stored.temperature) && stored.temperature > 0 ? stored : undefined;
  } catch {
    return undefined;
  }
}
