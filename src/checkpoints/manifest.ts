import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { reason, UserError } from '../errors.ts';
import type { ModelDescription } from '../models/model.ts';
import type { Preprocessing } from '../models/preprocessing.ts';
import { readJson } from '../system/read_json.ts';
import { sizeOf } from '../tensors/shape.ts';
import { finite, list, matching, object, oneOf, optional, string, time, whole } from '../text/json.ts';

/** Where training stands; with the seed it tells every random choice that follows. */
export interface Position {
  /** Steps done since the first epoch. */
  step: number;
  /** Whole epochs done. */
  epoch: number;
  /** Batches done of the epoch under way, and what they summed up to. */
  batch: number;
  lossSum: number;
  correct: number;
}

/** Shares are 0..1; losses are mean softmax cross-entropies, in nats. */
export interface Metrics {
  loss?: number;
  accuracy?: number;
  validationLoss?: number;
  validationAccuracy?: number;
}

/** What a checkpoint says about itself besides its tensors. */
export interface CheckpointInfo {
  model: ModelDescription;
  preprocessing: Preprocessing;
  training: {
    seed: number;
    /** Pictures a step, of all ranks together. */
    batchSize: number;
    learningRate: number;
    validationSplit: number;
    /** Tells whether the pictures and their split are still those that training began with. */
    dataset: string;
  };
  position: Position;
  /** Of the last whole epoch; empty where training stopped within the first. */
  metrics: Metrics;
  /** The best epoch so far; absent without validation. */
  best?: { epoch: number; metrics: Metrics };
  /**
   * Decay of the moving averages that weights.bin holds in place of the weights, which are in optimizer.bin as
   * '<variable>/learnt'; absent where there are none.
   */
  ema?: number;
}

/** Tensors lie in their file one after the other, float32, little-endian. */
export interface TensorFile {
  /** Absent in version 1, where it is the same. */
  dtype?: 'float32';
  bytes: number;
  sha256: string;
  tensors: { name: string; shape: number[] }[];
}

export interface Manifest extends CheckpointInfo {
  format: 'bat-sup checkpoint';
  version: 1 | 2;
  saved: string;
  files: { 'weights.bin': TensorFile; 'optimizer.bin': TensorFile };
  /** SHA-256 of the JSON of all the rest, without spaces; absent in version 1. */
  checksum?: string;
}

export type FileName = keyof Manifest['files'];
export const fileNames: FileName[] = ['weights.bin', 'optimizer.bin'];

const mebibyte = 2 ** 20;
/** A thousand classes make a tenth of one. */
const mostManifestBytes = 64 * mebibyte;

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
  }),
  preprocessing: object({
    fit: oneOf('fill', 'cover', 'contain'),
    scale: finite,
    order: optional(oneOf('rgb', 'bgr')),
  }),
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
  }),
  files: object({ 'weights.bin': tensorFile, 'optimizer.bin': tensorFile }),
});

export const bytesPerNumber = Float32Array.BYTES_PER_ELEMENT;

/** Numbers in all tensors of a file. */
export function parametersOf({ tensors }: Pick<TensorFile, 'tensors'>): number {
  return tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

function contradiction({ files, model }: Manifest): string | undefined {
  if (new Set(model.classes).size < model.classes.length) return 'a class is named twice';
  for (const name of fileNames) {
    const { bytes, tensors } = files[name];
    const declared = parametersOf({ tensors }) * bytesPerNumber;
    if (declared !== bytes) return `the tensors of ${name} make ${declared} bytes, not ${bytes}`;
    if (new Set(tensors.map((tensor) => tensor.name)).size < tensors.length)
      return `${name} has two tensors of a name`;
  }
  return undefined;
}

const advice = '; choose another checkpoint with --checkpoint.';

/** The error of a file that cannot be used. */
export function damaged(file: string, error: unknown): UserError {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new UserError(`${file} is ${isMissing ? 'missing' : `damaged (${reason(error)})`}${advice}`);
}

/** What such an error says, to go on with. */
export function whatIsDamaged(error: unknown): string {
  return reason(error).replace(advice, '');
}

/** @param manifest all of it but the checksum. */
export function checksumOf(manifest: Manifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

export function manifestFile(checkpoint: string): string {
  return join(checkpoint, 'manifest.json');
}

/** Nothing of a manifest is believed before its checksum is right; version 1 has none. */
function wrongIn(read: unknown): string | undefined {
  const { format, version, checksum, ...rest } = Object(read) as Manifest;
  if (format !== 'bat-sup checkpoint') return 'it is not that of a bat-sup checkpoint';
  if (typeof version === 'number' && version > 2) return 'it was made by a newer version of bat-sup';
  if (version !== 1 && version !== 2) return 'its version is not known';
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
  return readJson<Manifest>(file, { most: mostManifestBytes, shape: wrongIn }).catch((error) => {
    throw damaged(file, error);
  });
}
