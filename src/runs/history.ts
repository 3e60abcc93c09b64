import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metrics } from '../checkpoints/index.ts';
import { cannotWrite } from '../errors.ts';
import { appendDurably, readWithin, writeFileAtomically } from '../system/files.ts';
import { finite, object, optional, time, whole } from '../text/json.ts';

/** The result of an epoch: a line of <run>/metrics.jsonl. */
export interface EpochRecord extends Metrics {
  /** 1 for the first; 0 for a head that was trained on a backbone's features, before any fine-tuning. */
  epoch: number;
  /** Steps done since the start of the first epoch. */
  step: number;
  /** When it ended, ISO 8601. */
  time: string;
  /** Duration of its training steps, without validation; of those since the resume, if it was resumed midway. */
  seconds: number;
  /** Pictures per second, over the same steps. */
  rate: number;
}

const fileOf = (run: string) => join(run, 'metrics.jsonl');

const maxBytes = 2 ** 28;
const thenResume = ', then --resume';

const recordShape = object({
  epoch: whole(),
  step: whole(),
  time,
  seconds: finite,
  rate: optional(finite),
  loss: optional(finite),
  accuracy: optional(finite),
  validationLoss: optional(finite),
  validationAccuracy: optional(finite),
  validationMeanPrecision: optional(finite),
});

function parseLine(line: string): EpochRecord[] {
  try {
    const record = JSON.parse(line);
    return recordShape(record) === undefined ? [record] : [];
  } catch {
    return []; // a kill can leave half a line
  }
}

/** The epochs of a run so far, in order; [] where there are none. */
export async function readHistory(run: string): Promise<EpochRecord[]> {
  const text = await readWithin(fileOf(run), { maxBytes }).then(String, () => '');
  const byEpoch = new Map(
    text
      .split('\n')
      .flatMap(parseLine)
      .map((record) => [record.epoch, record]),
  );
  return [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
}

/**
 * Removes the epochs after `epoch`, which a resumed training repeats.
 * @throws {UserError} where the file cannot be written.
 */
export async function cutHistory(run: string, epoch: number): Promise<void> {
  const kept = (await readHistory(run)).filter((record) => record.epoch <= epoch);
  const lines = kept.map((record) => `${JSON.stringify(record)}\n`).join('');
  const write = lines === '' ? rm(fileOf(run), { force: true }) : writeFileAtomically(fileOf(run), lines);
  await write.catch((error) => cannotWrite(fileOf(run), error, thenResume));
}

/** Appends an epoch. @throws {UserError} where the file cannot be written. */
export async function appendHistory(run: string, record: EpochRecord): Promise<void> {
  const line = `${JSON.stringify(record)}\n`;
  await appendDurably(fileOf(run), line).catch((error) => cannotWrite(fileOf(run), error, thenResume));
}
