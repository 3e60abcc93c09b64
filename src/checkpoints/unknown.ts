import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import { writeFileAtomically } from '../system/files.ts';
import { readJson } from '../system/read_json.ts';
import { finite, list, matching, object, oneOf, optional, string, time, whole } from '../text/json.ts';
import type { FittedRejection } from '../unknown/fit.ts';
import type { LeftOut } from '../unknown/left_out.ts';
import { unitRows } from '../unknown/references.ts';
import type { Rejection } from '../unknown/rejection.ts';
import type { Checkpoint } from './scan.ts';

/** unknown.json, beside a checkpoint's weights: what predict answers "unknown" by. */
interface StoredUnknown extends Omit<Rejection, 'references'> {
  format: 'bat-sup unknown';
  version: 1;
  /** SHA-256 of the weights.bin that it was fitted for. */
  weights: string;
  rows: number;
  /** int8 [rows, length] in base64, and their SHA-256. */
  references: string;
  sha256: string;
  /** Share of known pictures that may be rejected, as it was asked for. */
  share: number;
  /** Validation pictures, and how many of them are rejected. */
  pictures: number;
  rejected: number;
  leftOut?: LeftOut | null;
  /** ISO 8601. */
  saved: string;
}

/** What rejects pictures, and how it did when it was fitted. */
export interface UnknownOfCheckpoint
  extends Pick<StoredUnknown, 'share' | 'pictures' | 'rejected' | 'leftOut' | 'saved'> {
  rejection: Rejection;
}

const maxFileBytes = 2 ** 24;

const fileOf = (folder: string) => join(folder, 'unknown.json');

/** Stores a rejection with the checkpoint that it was fitted for. @throws {UserError} where it cannot be written. */
export async function saveUnknown(
  { folder, manifest }: Checkpoint,
  { references, factors, pictures, rejected, leftOut }: FittedRejection,
  { layer, share }: { layer: string; share: number },
): Promise<void> {
  const { rows, length } = references;
  const bytes = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength);
  const stored: StoredUnknown = {
    format: 'bat-sup unknown',
    version: 1,
    weights: manifest.files['weights.bin'].sha256,
    ...{ layer, length, ...factors, share, pictures, rejected },
    ...(leftOut && { leftOut }),
    rows: rows.length / length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    saved: new Date().toISOString(),
    references: bytes.toString('base64'),
  };
  await writeFileAtomically(fileOf(folder), `${JSON.stringify(stored)}\n`).catch((error) => {
    throw new UserError(`${fileOf(folder)} cannot be written: ${reason(error)}`);
  });
}

const share = finite;
const sha256 = matching(/^[0-9a-f]{64}$/);

const shape = object({
  format: oneOf('bat-sup unknown'),
  version: oneOf(1),
  weights: sha256,
  layer: string,
  length: whole(1, 2 ** 23),
  rows: whole(1, 2 ** 23),
  references: string,
  sha256,
  distanceFactor: finite,
  doubtFactor: finite,
  share,
  pictures: whole(1),
  rejected: whole(),
  leftOut: optional(
    object({
      classes: whole(2),
      rocAuc: share,
      softmaxRocAuc: share,
      tradeOff: list(object({ rejected: share, caught: share })),
    }),
  ),
  saved: time,
});

function rowsOf({ references, rows, length, sha256: wanted }: StoredUnknown): Int8Array {
  const bytes = Buffer.from(references, 'base64');
  if (bytes.length !== rows * length)
    throw new Error(`its references have ${bytes.length} bytes, not ${rows} x ${length}`);
  if (createHash('sha256').update(bytes).digest('hex') !== wanted) throw new Error('its checksum differs');
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * What a checkpoint rejects pictures by; undefined where it answers a class for all of them.
 * @throws {UserError} where unknown.json is damaged, or was fitted for other weights.
 */
export async function readUnknown({
  folder,
  manifest,
}: Checkpoint): Promise<UnknownOfCheckpoint | undefined> {
  const file = fileOf(folder);
  try {
    const stored = await readJson<StoredUnknown>(file, { maxBytes: maxFileBytes, shape });
    if (stored.weights !== manifest.files['weights.bin'].sha256)
      throw new Error('it was fitted for other weights');
    const { layer, length, distanceFactor, doubtFactor } = stored;
    if (!(distanceFactor >= 0 && doubtFactor >= 0)) throw new Error('one of its factors is below 0');
    const references = unitRows({ rows: rowsOf(stored), length });
    return { ...stored, rejection: { layer, length, references, distanceFactor, doubtFactor } };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `${file} is damaged (${reason(error)}); delete it, then make a new one with "bat-sup train --resume --unknown".`,
    );
  }
}
