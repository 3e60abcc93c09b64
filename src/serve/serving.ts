import { Slots } from '../async/slots.ts';
import { reason } from '../errors.ts';
import { argmax } from '../evaluation/softmax.ts';
import { canDrawGradCam, gradCam } from '../explain/grad_cam.ts';
import { drawHeatMap, enlargementFor } from '../explain/overlay.ts';
import { headerSize, UnreadablePicture } from '../images/decode.ts';
import { readable, sniff } from '../images/sniff.ts';
import { judge, type Predictor } from '../predict/predictor.ts';
import { usableCores } from '../system/cores.ts';
import { type BatcherOptions, makeBatcher } from './batcher.ts';

export interface Answer {
  /** Probabilities [classes], 0..1. */
  probabilities: Float32Array;
  /** How far the picture is from what the network knows; above 1 it is unknown. Absent without `--unknown`. */
  distance?: number;
  /** PNG: Grad-CAM of the likeliest class, an overlay for the picture. Absent if not requested or not possible. */
  heatMap?: Buffer;
}

export interface AnswerOptions {
  heatMap: boolean;
  signal: AbortSignal;
}

/** A network with its decoder and batcher. */
export interface Serving {
  model: Predictor;
  /** Whether heat maps are possible: Grad-CAM needs a convolution. */
  explains: boolean;
  /** @throws {UnreadablePicture} where it cannot be decoded; the signal's reason once that is aborted. */
  answer(picture: Buffer, options: AnswerOptions): Promise<Answer>;
}

/** Most pictures decoded at once: two per core, so that no core waits for the next one. */
const maxDecoding = usableCores() * 2;

/** The pixels of a picture by its header. @throws {Error} where it is not a picture that the server accepts. */
async function pixelsOf(bytes: Buffer, maxPixels: number): Promise<number> {
  const kind = sniff(bytes);
  // Decoding time is proportional to the pixels, except for SVG, which has no bound.
  if (kind === 'SVG') throw new Error('SVG is not accepted by the server');
  const { width, height } = await headerSize(bytes);
  if (!readable.has(kind ?? '')) throw new Error('not a picture');
  const pixels = width * height;
  if (pixels <= maxPixels) return pixels;
  throw new Error(`its ${width} x ${height} pixels are more than ${maxPixels / 1e6} million`);
}

/**
 * Decodes pictures in turn, unless they are aborted before. The pictures being decoded have at most `maxPixels` together,
 * because decoding takes memory in proportion to the pixels.
 */
function makeDecoder(model: Predictor, maxPixels: number) {
  const pixelsDecoding = new Slots(maxPixels);

  async function inTurn(bytes: Buffer, signal: AbortSignal): Promise<Uint8Array> {
    const pixels = Math.max(await pixelsOf(bytes, maxPixels), Math.floor(maxPixels / maxDecoding));
    await pixelsDecoding.take(pixels);
    try {
      signal.throwIfAborted();
      return await model.decode(bytes);
    } finally {
      pixelsDecoding.release(pixels);
    }
  }

  return (bytes: Buffer, signal: AbortSignal) =>
    inTurn(bytes, signal).catch((error) => {
      signal.throwIfAborted();
      throw new UnreadablePicture(reason(error));
    });
}

/** @param options.maxPixels largest width times height, checked in the header before decoding. */
export function makeServing(
  model: Predictor,
  { maxPixels, ...batching }: BatcherOptions & { maxPixels: number },
): Serving {
  const decode = makeDecoder(model, maxPixels);
  const predict = makeBatcher((pictures: Uint8Array[]) => judge(model, pictures), batching);
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
      const { values: probabilities, ...distance } = await predict(decoded, signal);
      if (!heatMap || !explains) return { probabilities, ...distance };
      return { probabilities, ...distance, heatMap: await heatMapOf(await decoded, probabilities) };
    },
  };
}
