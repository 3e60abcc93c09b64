import type { Engine, EngineName } from '../engine/index.ts';
import { shareEngine } from '../engine/shared.ts';
import { UnreadablePicture } from '../images/decode.ts';
import { type RankedClass, readAnswer } from './answer.ts';
import { loadPredictor } from './load_predictor.ts';
import { predictBatches } from './predict_all.ts';
import type { Predictor } from './predictor.ts';

/** A path, or the bytes of a file: JPEG, HEIC, PNG, WebP, GIF, AVIF, TIFF, BMP, PNM or SVG. */
export type Picture = string | Uint8Array;

export interface LoadOptions {
  /** Of a run's checkpoints. Default 'best'. */
  which?: 'best' | 'newest';
  /**
   * What computes. All models of a process share one. Default 'auto': the one that runs, or else the fastest that
   * starts. 'wasm' starts at once.
   */
  engine?: EngineName | 'auto';
  /** Of the engine that is started; 0: every core. Default 0. */
  threads?: number;
  /** Told where a damaged checkpoint is passed over. Default: a warning of the process. */
  onNotice?: (text: string) => void;
}

export interface PredictOptions {
  /** The least probability that a class is believed with, 0..1; below it the class is 'unknown'. Default 0. */
  threshold?: number;
}

/** What the network says about one picture. */
export interface Answer {
  /** The likeliest class, or 'unknown' below the threshold. */
  class: string;
  /** Of the likeliest class, 0..1. */
  probability: number;
  /** Every class, the likeliest first. The probabilities sum to 1. */
  ranked: { class: string; probability: number }[];
}

/** A trained network that is asked about pictures. */
export interface PictureModel {
  /** In the order of training. */
  classes: string[];
  /** The checkpoint's folder. */
  checkpoint: string;
  engine: EngineName;
  /** For `explain` and for all that works with decoded pictures. */
  predictor: Predictor;
  /** @throws {UnreadablePicture} with the reason in a few words. */
  predict(picture: Picture, options?: PredictOptions): Promise<Answer>;
  /**
   * Answers in the pictures' order; a few batches of them are in memory at a time, and decoded while others are answered.
   * What cannot be read is an UnreadablePicture in its place.
   */
  predictAll(
    pictures: Iterable<Picture> | AsyncIterable<Picture>,
    options?: PredictOptions,
  ): AsyncGenerator<Answer | UnreadablePicture>;
  /** Gives the network's memory back, and ends the engine with the last model that shares it. */
  dispose(): Promise<void>;
}

/**
 * Loads a trained network: `await (await loadModel('checkpoints')).predict('sup.jpg')`.
 * @param place a checkpoint, a run, or a folder of runs, of which the newest is taken.
 * @throws {UserError} where there is no checkpoint, it is damaged, or the engine does not run here.
 * @example
 * ```ts
 * import { loadModel } from 'bat-sup';
 *
 * const model = await loadModel('checkpoints');
 * const answer = await model.predict('sup.jpg');
 * console.log(answer.class, answer.probability);
 * await model.dispose();
 * ```
 */
export async function loadModel(place: string, options: LoadOptions = {}): Promise<PictureModel> {
  const engine = await shareEngine(options.engine ?? 'auto', options.threads ?? 0);
  try {
    return pictureModel(await loadPredictor(place, options.which, options.onNotice), engine);
  } catch (error) {
    await engine.dispose();
    throw error;
  }
}

function asBuffer(picture: Picture): Buffer | string {
  if (typeof picture === 'string' || Buffer.isBuffer(picture)) return picture;
  return Buffer.from(picture.buffer, picture.byteOffset, picture.length);
}

async function* inputsOf(pictures: Iterable<Picture> | AsyncIterable<Picture>) {
  for await (const picture of pictures) yield { name: '', read: async () => asBuffer(picture) };
}

function pictureModel(predictor: Predictor, engine: Engine): PictureModel {
  const { classes } = predictor.description;
  const asProbability = ({ class: name, value }: RankedClass) => ({ class: name, probability: value });
  const read = (values: Float32Array, { threshold }: PredictOptions): Answer => {
    const { class: name, ranked } = readAnswer(values, classes, threshold);
    return { class: name, probability: ranked[0].value, ranked: ranked.map(asProbability) };
  };
  let disposing: Promise<void> | undefined;
  return {
    classes,
    checkpoint: predictor.checkpoint,
    engine: engine.name,
    predictor,
    async predict(picture, options = {}) {
      const [values] = await predictor.predict([await predictor.decode(asBuffer(picture))]);
      return read(values as Float32Array, options);
    },
    async *predictAll(pictures, options = {}) {
      for await (const batch of predictBatches(predictor, inputsOf(pictures), 'softmax'))
        for (const one of batch)
          yield 'values' in one ? read(one.values, options) : new UnreadablePicture(one.error);
    },
    dispose() {
      if (disposing) return disposing;
      predictor.dispose();
      disposing = engine.dispose();
      return disposing;
    },
  };
}
