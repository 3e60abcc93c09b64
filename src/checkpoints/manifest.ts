import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import type { ModelDescription } from '../models/description.ts';
import { type Preprocessing, preprocessingShape, wrongPreprocessing } from '../models/preprocessing.ts';
import { readJson } from '../system/read_json.ts';
import { sizeOf } from '../tensors/shape.ts';
import { finite, list, matching, object, oneOf, optional, string, time, whole } from '../text/json.ts';

/** How far training is. Together with the seed it determines every random choice that follows. */
export interface Position {
  /** Steps done since the first epoch. */
  step: number;
  /** Complete epochs. */
  epoch: number;
  /**
   * Batches done in the current epoch, the sum of their losses, and how many of their pictures were classified right.
   */
  batch: number;
  lossSum: number;
  correct: number;
}

/**
 * Losses are mean cross-entropies, in nats: of a softmax, or with --multi-label of sigmoids. Accuracies are shares of the
 * pictures, 0 to 1; with --multi-label all classes of a picture must be right at 0.5. Absent values are not known.
 */
export interface Metrics {
  loss?: number;
  accuracy?: number;
  validationLoss?: number;
  validationAccuracy?: number;
  /** With --multi-label: the mean of the classes' average precisions, 0 to 1. */
  validationMeanPrecision?: number;
}

/** What a checkpoint stores besides its tensors. */
export interface CheckpointInfo {
  model: ModelDescription;
  preprocessing: Preprocessing;
  training: {
    seed: number;
    /** Pictures per step, over all ranks. */
    batchSize: number;
    learningRate: number;
    validationSplit: number;
    /** SHA-256 of the pictures and their split, to see whether they have changed. */
    dataset: string;
  };
  position: Position;
  /** Those of the last complete epoch; empty where training stopped in the first. */
  metrics: Metrics;
  /** The best epoch so far; absent without validation. */
  best?: { epoch: number; metrics: Metrics };
  /**
   * With --ema: the decay of the averages. weights.bin then holds the averaged weights, and optimizer.bin the current
   * ones, as '<variable>/learnt'.
   */
  ema?: number;
  /** With --multi-label: the probability from which each class is answered, [classes], chosen on the validation pictures. */
  thresholds?: number[];
}

/** A file of tensors, one after the other without gaps: float32, little-endian, C order. */
export interface TensorFile {
  /** Absent in version 1, which has no other type. */
  dtype?: 'float32';
  bytes: number;
  sha256: string;
  tensors: { name: string; shape: number[] }[];
}

/** manifest.json of a checkpoint. */
export interface Manifest extends CheckpointInfo {
  format: 'bat-sup checkpoint';
  version: 1 | 2;
  /** ISO 8601. */
  saved: string;
  files: { 'weights.bin': TensorFile; 'optimizer.bin': TensorFile };
  /** SHA-256 of the manifest without this value, as JSON without spaces; absent in version 1. */
  checksum?: string;
}

export type FileName = keyof Manifest['files'];
export const fileNames: FileName[] = ['weights.bin', 'optimizer.bin'];

const mebibyte = 2 ** 20;
/** With a thousand classes a manifest has about 100 KB. */
const maxManifestBytes = 64 * mebibyte;

const sizes = list(whole());
const shapes = list(object({ name: string, shape: sizes }));

const tensorFile = object({
  dtype: optional(oneOf('float32')),
  bytes: whole(),
  sha256: matching(/^[0-9a-f]{64}$/),
  tensors: shapes,
});

const layer = object({
  name: string,
  kind: string,
  inputs: list(string),
  inputShape: sizes,
  outputShape: sizes,
  variables: shapes,
  state: optional(shapes),
  attributes: object({}),
});

const manifestShape = object({
  saved: time,
  model: object({
    architecture: string,
    width: whole(1, 65536),
    height: whole(1, 65536),
    channels: oneOf(1, 3),
    classes: list(string, 1),
    layers: optional(list(layer)),
    isMultiLabel: optional(oneOf(true)),
  }),
  thresholds: optional(list(finite)),
  preprocessing: preprocessingShape,
  training: object({
    seed: whole(),
    batchSize: whole(1),
    learningRate: finite,
    validationSplit: finite,
    dataset: string,
  }),
  position: object({ step: whole(), epoch: whole(), batch: whole(), lossSum: finite, correct: finite }),
  metrics: object({
    loss: optional(finite),
    accuracy: optional(finite),
    validationLoss: optional(finite),
    validationAccuracy: optional(finite),
    validationMeanPrecision: optional(finite),
  }),
  files: object({ 'weights.bin': tensorFile, 'optimizer.bin': tensorFile }),
});

export const bytesPerNumber = Float32Array.BYTES_PER_ELEMENT;

/** How many values all tensors of a file have. */
export function parametersOf({ tensors }: Pick<TensorFile, 'tensors'>): number {
  return tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function contradiction({ files, model, preprocessing, thresholds }: Manifest): string | undefined {
  if (thresholds && !(model.isMultiLabel && thresholds.length === model.classes.length))
    return 'its thresholds are not those of its classes';
  if (new Set(model.classes).size < model.classes.length) return 'two classes have the same name';
  const wrong = wrongPreprocessing(preprocessing, model.channels);
  if (wrong !== undefined) return wrong;
  for (const name of fileNames) {
    const { bytes, tensors } = files[name];
    const declared = parametersOf({ tensors }) * bytesPerNumber;
    if (declared !== bytes) return `the tensors of ${name} have ${declared} bytes, not ${bytes}`;
    if (new Set(tensors.map((tensor) => tensor.name)).size < tensors.length)
      return `${name} has two tensors of the same name`;
  }
  return undefined;
}

const advice = '; choose another checkpoint with --checkpoint.';

/** The error for a file that cannot be used. */
export function damaged(file: string, error: unknown): UserError {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new UserError(`${file} is ${isMissing ? 'missing' : `damaged (${reason(error)})`}${advice}`);
}

/** The message of such an error without its advice, to be part of another message. */
export function whatIsDamaged(error: unknown): string {
  return reason(error).replace(advice, '');
}

/** @param manifest without its checksum. */
export function checksumOf(manifest: Manifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

export function manifestFile(checkpoint: string): string {
  return join(checkpoint, 'manifest.json');
}

/** What is wrong with a manifest. Its values are trusted only if the checksum, which version 1 lacks, is right. */
function wrongIn(read: unknown): string | undefined {
  const { format, version, checksum, ...rest } = Object(read) as Manifest;
  if (format !== 'bat-sup checkpoint') return 'it is not a bat-sup checkpoint';
  if (typeof version === 'number' && version > 2) return 'it was made by a newer version of bat-sup';
  if (version !== 1 && version !== 2) return 'its version is unknown';
  const isSigned = version === 2 || checksum !== undefined;
  if (isSigned && checksumOf({ format, version, ...rest }) !== checksum) return 'its checksum differs';
  return manifestShape(read) ?? contradiction(read as Manifest);
}

/**
 * The manifest of a checkpoint's folder.
 * @throws {UserError} where it is missing or damaged.
 */
export async function readManifest(checkpoint: string): Promise<Manifest> {
  const file = manifestFile(checkpoint);
  return readJson<Manifest>(file, { maxBytes: maxManifestBytes, shape: wrongIn }).catch((error) => {
    throw damaged(file, error);
  });
}
