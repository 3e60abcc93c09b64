import type { Engine, EngineName } from '../engine/index.ts';
import { shareEngine } from '../engine/shared.ts';
import { UnreadablePicture } from '../images/decode.ts';
import { type RankedClass, readerFor } from './answer.ts';
import { loadPredictor } from './load_predictor.ts';
import { predictBatches } from './predict_all.ts';
import { type Judged, judge, ownActivation, type Predictor } from './predictor.ts';

/** A path, or the bytes of a file: JPEG, HEIC, PNG, WebP, GIF, AVIF, TIFF, BMP, PNM or SVG. */
export type Picture = string | Uint8Array;

export interface LoadOptions {
  /** Which checkpoint of a run: by validation accuracy, or the last saved. Default 'best'. */
  which?: 'best' | 'newest';
  /**
   * The engine to compute with; all models of a process share one. Default 'auto': the running one, or the fastest that
   * starts. 'wasm' starts soonest.
   */
  engine?: EngineName | 'auto';
  /** Threads of the engine; 0 uses all cores. Default 0. */
  threads?: number;
  /** Called where a damaged checkpoint is skipped. Default: a warning of the process. */
  onNotice?: (text: string) => void;
}

export interface PredictOptions {
  /**
   * 0..1. The class is 'unknown' where no class has this probability. Default 0. With --multi-label it replaces the
   * thresholds of all classes.
   */
  threshold?: number;
}

/** A network's prediction for one picture. */
export interface Answer {
  /** The likeliest class, or 'unknown' below the threshold or beyond the distance; with --multi-label 'none' where none is answered. */
  class: string;
  /** With --multi-label: all classes that are answered, the likeliest first. */
  classes?: string[];
  /** Probability of the likeliest class, 0..1, whether it is answered or not. */
  probability: number;
  /** Every class, the likeliest first. The probabilities, each 0..1, add up to 1, but with --multi-label. */
  ranked: { class: string; probability: number }[];
  /** How far the picture is from what a network that was trained with `--unknown` knows; above 1 it is unknown. */
  distance?: number;
}

/** A trained network with its engine, classes and preprocessing: pictures in, classes out. */
export interface PictureModel {
  /** Names of the classes, in the order of the network's outputs. */
  classes: string[];
  /** The checkpoint's folder. */
  checkpoint: string;
  engine: EngineName;
  /** The same network for decoded pictures, as `explain` takes it. */
  predictor: Predictor;
  /**
   * Classifies one picture of any size.
   * @throws {UnreadablePicture} with the reason in a few words.
   */
  predict(picture: Picture, options?: PredictOptions): Promise<Answer>;
  /**
   * Classifies pictures in their order, however many there are: the next batches are decoded while one is computed, and
   * no others are in memory. A picture that cannot be read yields an UnreadablePicture.
   */
  predictAll(
    pictures: Iterable<Picture> | AsyncIterable<Picture>,
    options?: PredictOptions,
  ): AsyncGenerator<Answer | UnreadablePicture>;
  /** Frees the network, and stops the engine if no other model uses it. */
  dispose(): Promise<void>;
}

/**
 * Loads a trained network and starts an engine for it.
 * @param place a checkpoint, a run, or a folder of runs, whose newest run is used.
 * @throws {UserError} where there is no checkpoint, it is damaged, or the engine cannot run here; also where another
 * model of the process runs on a different engine or number of threads than asked for.
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
  const read = (judged: Judged, { threshold }: PredictOptions): Answer => {
    const answer = readerFor(predictor, ownActivation(predictor.description), threshold)(judged);
    const { ranked, ...answered } = answer;
    return { ...answered, probability: ranked[0].value, ranked: ranked.map(asProbability) };
  };
  let disposing: Promise<void> | undefined;
  return {
    classes,
    checkpoint: predictor.checkpoint,
    engine: engine.name,
    predictor,
    async predict(picture, options = {}) {
      const [judged] = await judge(predictor, [await predictor.decode(asBuffer(picture))]);
      return read(judged as Judged, options);
    },
    async *predictAll(pictures, options = {}) {
      for await (const batch of predictBatches(
        predictor,
        inputsOf(pictures),
        ownActivation(predictor.description),
      ))
        for (const one of batch)
          yield 'values' in one ? read(one, options) : new UnreadablePicture(one.error);
    },
    dispose() {
      if (disposing) return disposing;
      predictor.dispose();
      disposing = engine.dispose();
      return disposing;
    },
  };
}
