import { reason } from '../errors.ts';
import type { PredictInput } from './inputs.ts';
import type { Activation, Predictor } from './load_model.ts';

/** A picture's answer, or why there is none. */
export type Prediction = { name: string; values: Float32Array } | { name: string; error: string };

type Decoded = { name: string; pixels: Uint8Array } | { name: string; error: string };

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

/** Pictures that the network is given together; answers may differ by rounding with their number. */
export const batchSize = 16;

/** Answers in the inputs' order, a batch at a time; the next batch is decoded meanwhile. */
export async function* predictAll(
  predictor: Predictor,
  inputs: AsyncIterable<PredictInput>,
  activation: Activation,
  size = batchSize,
): AsyncGenerator<Prediction> {
  let decoding: Promise<Decoded>[] = [];
  let ready: Promise<Decoded[]> | undefined;
  for await (const input of inputs) {
    decoding.push(decode(predictor, input));
    if (decoding.length < size) continue;
    const batch = Promise.all(decoding);
    decoding = [];
    if (ready) yield* await answer(predictor, await ready, activation);
    ready = batch;
  }
  if (ready) yield* await answer(predictor, await ready, activation);
  if (decoding.length > 0) yield* await answer(predictor, await Promise.all(decoding), activation);
}
