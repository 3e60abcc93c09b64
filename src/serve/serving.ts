import { availableParallelism } from 'node:os';
import { Slots } from '../async/slots.ts';
import { reason } from '../errors.ts';
import { argmax } from '../evaluation/softmax.ts';
import { canDrawGradCam, gradCam } from '../explain/grad_cam.ts';
import { drawHeatMap, enlargementFor } from '../explain/overlay.ts';
import { claimedSize, UnreadablePicture } from '../images/decode.ts';
import { readable, sniff } from '../images/sniff.ts';
import type { Predictor } from '../predict/predictor.ts';
import { type BatcherOptions, makeBatcher } from './batcher.ts';

export interface Answer {
  /** Of every class, in the network's order; 0..1. */
  probabilities: Float32Array;
  /** PNG: Grad-CAM of the likeliest class, to lay over the picture. Absent where it was not asked for or cannot be. */
  heatMap?: Buffer;
}

export interface AnswerOptions {
  heatMap: boolean;
  signal: AbortSignal;
}

/** A network at work. */
export interface Serving {
  model: Predictor;
  /** Whether there are heat maps: Grad-CAM needs a convolution. */
  explains: boolean;
  /** @throws {UnreadablePicture}; what the signal was aborted with. */
  answer(picture: Buffer, options: AnswerOptions): Promise<Answer>;
}

/** Pictures decoded at once: what a core waits for while another works. */
const mostAtOnce = availableParallelism() * 2;

/** What a picture's header says that it has. @throws {Error} where it is no picture that is taken here. */
async function pixelsOf(bytes: Buffer, maxPixels: number): Promise<number> {
  const kind = sniff(bytes);
  // Decoding takes time in proportion to the pixels, but for an SVG, which can take any.
  if (kind === 'SVG') throw new Error('SVG is not taken here');
  const { width, height } = await claimedSize(bytes);
  if (!readable.has(kind ?? '')) throw new Error('not a picture');
  const pixels = width * height;
  if (pixels <= maxPixels) return pixels;
  throw new Error(`its ${width} x ${height} pixels are more than ${maxPixels / 1e6} million`);
}

/**
 * Decodes pictures when it is their turn, if they are still wanted. All that are under way have `maxPixels` together at
 * most: what decoding holds in memory is in proportion to them.
 */
function makeDecoder(model: Predictor, maxPixels: number) {
  const pixelsUnderWay = new Slots(maxPixels);

  async function inTurn(bytes: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const pixels = Math.max(await pixelsOf(bytes, maxPixels), Math.floor(maxPixels / mostAtOnce));
    await pixelsUnderWay.take(pixels);
    try {
      signal.throwIfAborted();
      return await model.decode(bytes);
    } finally {
      pixelsUnderWay.give(pixels);
    }
  }

  return (bytes: Buffer, signal: AbortSignal) =>
    inTurn(bytes, signal).catch((error) => {
      signal.throwIfAborted();
      throw new UnreadablePicture(reason(error));
    });
}

/** @param options.maxPixels width times height, by the picture's header, before anything is decoded. */
export function makeServing(
  model: Predictor,
  { maxPixels, ...batching }: BatcherOptions & { maxPixels: number },
): Serving {
  const decode = makeDecoder(model, maxPixels);
  const predict = makeBatcher((pictures: Uint8Array[]) => model.predict(pictures), batching);
  const explains = canDrawGradCam(model);

  async function heatMapOf(pixels: Uint8Array, probabilities: Float32Array): Promise<Buffer> {
    const heat = await gradCam(model, pixels, argmax(probabilities));
    return drawHeatMap(heat, { ...model.description, enlargement: enlargementFor(model.description) });
  }

  return {
    model,
    explains,
    async answer(bytes, { heatMap, signal }) {
      const decoded = decode(bytes, signal);
      const probabilities = await predict(decoded, signal);
      if (!heatMap || !explains) return { probabilities };
      return { probabilities, heatMap: await heatMapOf(await decoded, probabilities) };
    },
  };
}
