import { UserError } from '../errors.ts';
import { createFoldedModel } from '../inference/model.ts';
import type { LayerSummary, LayerWatch } from '../layers/index.ts';
import { createModel, type Model, type ModelDescription } from '../models/model.ts';
import { type Fitting, normalisationOf, type Preprocessing } from '../models/preprocessing.ts';
import { toPictures } from '../models/to_pictures.ts';
import { concatenate } from '../tensors/bytes.ts';
import { sizeOf } from '../tensors/shape.ts';
import { tf } from '../tensors/tf.ts';
import { cosinesTo, distancesOf, type Rejection } from '../unknown/rejection.ts';

/**
 * What is applied to the logits; by default a softmax, or with --multi-label sigmoids. softmax: probabilities that add up to 1, calibrated if `evaluate --calibrate` has stored a
 * temperature. sigmoid: each class on its own, 0..1, as in the article. none: the logits themselves.
 */
export type Activation = 'softmax' | 'sigmoid' | 'none';

/** A network's output for one picture. */
export interface Judged {
  /** float32 [classes], in the order of `description.classes`. */
  values: Float32Array;
  /** How far the picture is from what the network knows: above 1 it is of no class. Absent without `--unknown`. */
  distance?: number;
}

/** The output for decoded pictures, with distances where the network has them. */
export async function judge(
  predictor: Predictor,
  pictures: Uint8Array[],
  activation?: Activation,
): Promise<Judged[]> {
  if (predictor.judge) return predictor.judge(pictures, activation);
  return (await predictor.predict(pictures, activation)).map((values) => ({ values }));
}

/**
 * A network for decoded pictures. {@link loadModel} returns one for pictures in files.
 * @example
 * ```ts
 * import { loadPredictor, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('wasm', { threads: 1 });
 * const predictor = await loadPredictor('checkpoints');
 * const { classes, width, height, channels } = predictor.description;
 * const black = new Uint8Array(height * width * channels);
 * const [logits] = await predictor.predict([black], 'none');
 * console.log(classes, logits);
 * predictor.dispose();
 * await engine.dispose();
 * ```
 */
export interface Predictor {
  description: ModelDescription;
  /** How `decode` fits a picture to the network's size. */
  fit: Fitting['fit'];
  /** Share of height and width, around the centre, that `decode` takes; absent: all. */
  crop?: number;
  /** The checkpoint's folder. */
  checkpoint: string;
  layers: LayerSummary[];
  /** Softmax divides the logits by it; 1 if the checkpoint has not been calibrated. */
  temperature: number;
  /** With --multi-label: the probability from which each class is answered, [classes]; absent where one class is. */
  thresholds?: number[];
  /**
   * Decodes a picture as for training.
   * @param picture the bytes or the path of a file.
   * @param enlargement factor for height and width, to show the picture to people. Default 1, which `predict` needs.
   * @returns uint8 [height, width, channels], row by row.
   * @throws {UnreadablePicture} with the reason in a few words.
   */
  decode(picture: Buffer | string, enlargement?: number): Promise<Uint8Array>;
  /**
   * Classifies decoded pictures in one batch.
   * @param pictures each uint8 [height, width, channels].
   * @param activation default 'softmax', or 'sigmoid' where `thresholds` are there.
   * @returns for each picture float32 [classes], in the order of `description.classes`.
   */
  predict(pictures: Uint8Array[], activation?: Activation): Promise<Float32Array[]>;
  /** With a network that was trained with `--unknown`: what it answers "unknown" by. */
  rejection?: Rejection;
  /** As `predict`, with distances, in the same pass. Only where the network was trained with `--unknown`. */
  judge?(pictures: Uint8Array[], activation?: Activation): Promise<Judged[]>;
  /**
   * The forward pass without activation.
   * @param pictures each uint8 [height, width, channels].
   * @param watch is called with every layer's output and may replace it.
   * @returns logits, float32 [batch, classes]; the caller disposes of them.
   */
  forward(pictures: Uint8Array[], watch?: LayerWatch): tf.Tensor2D;
  /** Frees the weights. */
  dispose(): void;
}

function activate(logits: tf.Tensor2D, activation: Activation, temperature: number): tf.Tensor2D {
  if (activation === 'none') return logits;
  return activation === 'softmax' ? tf.softmax(tf.div(logits, temperature)) : tf.sigmoid(logits);
}

/** The activation that turns a network's logits into its answers. */
export function ownActivation({ isMultiLabel }: ModelDescription): Activation {
  return isMultiLabel ? 'sigmoid' : 'softmax';
}

/** A network as a predictor computes it. */
export interface PredictedNetwork {
  description: ModelDescription;
  /** Complete, as `layersFor` returns them. */
  layers: LayerSummary[];
  preprocessing: Preprocessing;
  /** Values by variable name. */
  weights: Map<string, Float32Array>;
  /** What answers "unknown"; default: nothing. */
  rejection?: Rejection | undefined;
}

/** @throws {UserError} where a rejection is that of another network. */
function checkRejection({ layer, length }: Rejection, layers: LayerSummary[]): void {
  const last = layers.at(-1);
  if (last?.inputs[0] === layer && sizeOf(last.inputShape) === length) return;
  throw new UserError(
    `unknown.json is about ${length} features of ${layer}, which are not those of this network; delete it.`,
  );
}

const rowsTensor = ({ references, length }: Rejection) =>
  tf.tensor2d(references, [references.length / length, length]);

/**
 * A predictor of a network; its `dispose` frees the network. It computes the folded network, which is faster; where the
 * layers are watched, one layer after the other.
 */
export function createPredictor(
  network: PredictedNetwork,
  {
    decode,
    fit,
    crop,
    temperature,
    thresholds,
    checkpoint,
  }: Pick<Predictor, 'decode' | 'fit' | 'crop' | 'temperature' | 'thresholds' | 'checkpoint'>,
): Predictor {
  const { layers, preprocessing, weights, rejection } = network;
  if (rejection) checkRejection(rejection, layers);
  const description = { ...network.description, layers };
  const { classes } = description;
  const folded = createFoldedModel({ layers, weights });
  let layered: Model | undefined;
  const normalised = { description, preprocessing: normalisationOf(preprocessing) };
  const toTensor = (pictures: Uint8Array[]) => toPictures(concatenate(pictures), normalised);
  const references = rejection && tf.keep(rowsTensor(rejection));

  const rowsOf = (values: Float32Array, pictures: unknown[]) =>
    pictures.map((_, row) => values.slice(row * classes.length, (row + 1) * classes.length));

  /** @param references the rejection's, on the engine. */
  function judgeWith(rejection: Rejection, references: tf.Tensor2D): NonNullable<Predictor['judge']> {
    return async (pictures, activation = 'softmax') => {
      const output = tf.tidy(() => {
        const computed = folded.forwardWith(toTensor(pictures), rejection.layer);
        const logits = computed.logits as tf.Tensor2D;
        const cosines = tf.max(cosinesTo(computed.output as tf.Tensor2D, references), 1);
        return { logits, cosines, values: activate(logits, activation, temperature) };
      });
      const { logits, cosines, values } = output;
      const [read, nearest, own] = await Promise.all([logits.data(), cosines.data(), values.data()]);
      tf.dispose([logits, cosines, values]);
      const distances = distancesOf(rejection, nearest, read as Float32Array);
      return rowsOf(own as Float32Array, pictures).map((row, picture) => ({
        values: row,
        distance: distances[picture] as number,
      }));
    };
  }

  return {
    description,
    fit,
    ...(crop !== undefined && { crop }),
    checkpoint,
    layers,
    temperature,
    ...(thresholds && { thresholds }),
    decode,
    forward(pictures, watch) {
      layered ??= createModel(description, { restored: new Map(weights), preprocessing });
      return layered.forward(toTensor(pictures), watch);
    },
    async predict(pictures, activation = ownActivation(description)) {
      const output = tf.tidy(() => {
        const logits = folded.forward(toTensor(pictures)) as tf.Tensor2D;
        return activate(logits, activation, temperature);
      });
      const values = (await output.data()) as Float32Array;
      output.dispose();
      return rowsOf(values, pictures);
    },
    ...(rejection && references && { rejection, judge: judgeWith(rejection, references) }),
    dispose() {
      folded.dispose();
      references?.dispose();
      layered?.dispose();
    },
  };
}
