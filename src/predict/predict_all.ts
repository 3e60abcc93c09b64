import { mapBatchesAhead } from '../async/in_batches.ts';
import { reason } from '../errors.ts';
import type { PredictInput } from './inputs.ts';
import { type Activation, type Judged, judge, type Predictor } from './predictor.ts';

/** The network's output for a picture, or why there is none. */
export type Prediction = ({ name: string } & Judged) | { name: string; error: string };

export type Inputs = AsyncIterable<PredictInput> | Iterable<PredictInput>;

type Decoded = { name: string; pixels: Uint8Array } | { name: string; error: string };

/** Pixels per batch. Larger batches are no faster, and this bounds the memory for the outputs of the layers. */
const batchPixels = 64 * 100 * 100;
const maxBatch = 64;
/** Batches that are decoded ahead, so that the threads have work while the network computes. */
const batchesAhead = 2;

/** Pictures per batch; outputs may differ by rounding with the batch size. */
export function batchSizeFor({ description: { width, height } }: Predictor): number {
  return Math.max(1, Math.min(maxBatch, Math.floor(batchPixels / (width * height))));
}

async function decode(predictor: Predictor, input: PredictInput): Promise<Decoded> {
  try {
    return { name: input.name, pixels: await predictor.decode(await input.read()) };
  } catch (error) {
    return { name: input.name, error: reason(error) };
  }
}

async function predictDecoded(
  predictor: Predictor,
  decoded: Decoded[],
  activation: Activation,
): Promise<Prediction[]> {
  const pictures = decoded.flatMap((one) => ('pixels' in one ? [one.pixels] : []));
  const judged = pictures.length > 0 ? await judge(predictor, pictures, activation) : [];
  let next = 0;
  return decoded.map((one) => {
    if ('error' in one) return one;
    return { name: one.name, ...(judged[next++] as Judged) };
  });
}

/** Yields predictions batch by batch, in the inputs' order. The next batches are decoded meanwhile; no others are in memory. */
export async function* predictBatches(
  predictor: Predictor,
  inputs: Inputs,
  activation: Activation,
  batchSize = batchSizeFor(predictor),
): AsyncGenerator<Prediction[]> {
  const batches = mapBatchesAhead(inputs, { size: batchSize, ahead: batchesAhead }, (input) =>
    decode(predictor, input),
  );
  for await (const decoded of batches) yield predictDecoded(predictor, decoded, activation);
}

/** Yields predictions one by one. See {@link predictBatches}. */
export async function* predictAll(
  predictor: Predictor,
  inputs: Inputs,
  activation: Activation,
  batchSize?: number,
): AsyncGenerator<Prediction> {
  for await (const batch of predictBatches(predictor, inputs, activation, batchSize)) yield* batch;
}
