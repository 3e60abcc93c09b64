import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metrics } from '../checkpoints/index.ts';
import { cannotWrite } from '../errors.ts';
import { appendDurably, readWithin, writeFileAtomically } from '../system/files.ts';
import { finite, object, optional, time, whole } from '../text/json.ts';

/** What one epoch came to: a line of <run>/metrics.jsonl. */
export interface EpochRecord extends Metrics {
  /** 1 for the first. */
  epoch: number;
  /** Steps done since the first epoch. */
  step: number;
  /** When it ended, ISO 8601. */
  time: string;
  /** Its training steps took so long, without validation; those since a resume, where it was resumed within. */
  seconds: number;
  /** Pictures a second of its training steps. */
  rate: number;
}

const fileOf = (run: string) => join(run, 'metrics.jsonl');

const mostBytes = 2 ** 28;
const thenResume = ', then --resume';

const recordShape = object({
  epoch: whole(1),
  step: whole(),
  time,
  seconds: finite,
  rate: optional(finite),
  loss: optional(finite),
  accuracy: optional(finite),
  validationLoss: optional(finite),
  validationAccuracy: optional(finite),
});

function parseLine(line: string): EpochRecord[] {
  try {
    const record = JSON.parse(line);
    return recordShape(record) === undefined ? [record] : [];
  } catch {
    return []; // a kill may have left half a line
  }
}

/** A run's epochs so far, in order; [] where it has none. */
export async function readHistory(run: string): Promise<EpochRecord[]> {
  const text = await readWithin(fileOf(run), { most: mostBytes }).then(String, () => '');
  const byEpoch = new Map(
    text
      .split('\n')
      .flatMap(parseLine)
      .map((record) => [record.epoch, record]),
  );
  return [...byEpoch.values()].sort((a, b) => a.epoch - b.epoch);
}

/** Forgets the epochs after `epoch`, which a resumed training does again. */
export async function cutHistory(run: string, epoch: number): Promise<void> {
  const kept = (await readHistory(run)).filter((record) => record.epoch <= epoch);
  const lines = kept.map((record) => `${JSON.stringify(record)}\n`).join('');
  const write = lines === '' ? rm(fileOf(run), { force: true }) : writeFileAtomically(fileOf(run), lines);
  await write.catch((error) => cannotWrite(fileOf(run), error, thenResume));
}

/** @throws {UserError} where the line cannot be written. */
export async function appendHistory(run: string, record: EpochRecord): Promise<void> {
  const line = `${JSON.stringify(record)}\n`;
  await appendDurably(fileOf(run), line).catch((error) => cannotWrite(fileOf(run), error, thenResume));
}
