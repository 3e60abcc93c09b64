import { inBatches } from '../async/in_batches.ts';
import { reason } from '../errors.ts';
import type { PredictInput } from './inputs.ts';
import type { Activation, Predictor } from './predictor.ts';

/** A picture's answer, or why there is none. */
export type Prediction = { name: string; values: Float32Array } | { name: string; error: string };

export type Inputs = AsyncIterable<PredictInput> | Iterable<PredictInput>;

type Decoded = { name: string; pixels: Uint8Array } | { name: string; error: string };

/** From here on the engines get no faster, and what layers make of larger pictures costs no more memory. */
const batchPixels = 64 * 100 * 100;
const largestBatch = 64;
/** Batches that are decoded ahead: so much work lies ready for the threads while the network answers. */
const batchesAhead = 2;

/** Pictures that the network is given together; answers may differ by rounding with their number. */
export function batchSizeFor({ description: { width, height } }: Predictor): number {
  return Math.max(1, Math.min(largestBatch, Math.floor(batchPixels / (width * height))));
}

async function decode(predictor: Predictor, input: PredictInput): Promise<Decoded> {
  try {
    return { name: input.name, pixels: await predictor.decode(await input.read()) };
  } catch (error) {
    return { name: input.name, error: reason(error) };
  }
}

async function answer(
  predictor: Predictor,
  decoded: Decoded[],
  activation: Activation,
): Promise<Prediction[]> {
  const pictures = decoded.flatMap((one) => ('pixels' in one ? [one.pixels] : []));
  const values = pictures.length > 0 ? await predictor.predict(pictures, activation) : [];
  let next = 0;
  return decoded.map((one) => {
    if ('error' in one) return one;
    return { name: one.name, values: values[next++] as Float32Array };
  });
}

/** Answers in the inputs' order, a batch at a time; the next batches are decoded meanwhile. Of the pictures, these are in memory. */
export async function* predictBatches(
  predictor: Predictor,
  inputs: Inputs,
  activation: Activation,
  batchSize = batchSizeFor(predictor),
): AsyncGenerator<Prediction[]> {
  const ahead: Promise<Decoded[]>[] = [];
  for await (const batch of inBatches(inputs, batchSize)) {
    ahead.push(Promise.all(batch.map((input) => decode(predictor, input))));
    if (ahead.length > batchesAhead)
      yield answer(predictor, await (ahead.shift() as Promise<Decoded[]>), activation);
  }
  for (const decoded of ahead) yield answer(predictor, await decoded, activation);
}

/** The answers one by one. */
export async function* predictAll(
  predictor: Predictor,
  inputs: Inputs,
  activation: Activation,
  batchSize?: number,
): AsyncGenerator<Prediction> {
  for await (const batch of predictBatches(predictor, inputs, activation, batchSize)) yield* batch;
}
