import { UserError } from '../errors.ts';
import {
  type Freezing,
  type LayerSummary,
  type LayerWatch,
  type NetworkPlan,
  Scope,
  type TrainingPass,
} from '../layers/index.ts';
import type { tf } from '../tensors/tf.ts';
import type { ModelDescription } from './description.ts';
import { withDropout } from './dropout.ts';
import { completed, planOfOlder } from './older_layers.ts';
import { planLayers } from './plan.ts';
import { type Normalisation, normalisationOf, ownPreprocessing } from './preprocessing.ts';
import { programOf, runNetwork } from './run_network.ts';

export type { ModelDescription } from './description.ts';

export interface Model {
  /** Includes the layers as they are in inference. */
  description: ModelDescription & Required<Pick<ModelDescription, 'layers'>>;
  /** How pixels become its input. */
  preprocessing: Normalisation;
  /** Trainable variables by name, e.g. 'conv1/weights'. */
  variables: Map<string, tf.Variable>;
  /** Variables that are saved but not trained, by name, e.g. 'norm1/mean'. */
  state: Map<string, tf.Variable>;
  /** Variables that are saved but never change: those of frozen layers, and frozen statistics of batch normalisation. */
  frozen: Map<string, tf.Variable>;
  /** The layers that `forward` computes; with dropout, if the model was created with it. */
  layers: LayerSummary[];
  /**
   * Preprocessed pictures [batch, height, width, channels] -> logits [batch, classes].
   * @param watch called with every layer's output, which it may replace.
   * @param training turns on training mode: batch normalisation uses the batch's statistics, dropout drops values.
   * Frozen layers stay in inference mode, and what nothing below learns has no gradient.
   */
  forward(pictures: tf.Tensor4D, watch?: LayerWatch, training?: TrainingPass): tf.Tensor2D;
  dispose(): void;
}

export interface ModelOptions {
  /** Seed of the initial weights and of dropout; default 1. */
  seed?: number;
  /** Values by variable name, used instead of random initial ones. */
  restored?: Map<string, Float32Array>;
  /** Share of the features before the logits that training drops, 0 to below 1; ignored for imported networks; default 0. */
  dropout?: number;
  /** Default: 0..1, RGB. */
  preprocessing?: Model['preprocessing'] | undefined;
  /** Names of layers that do not learn: their variables keep their values, and training computes them as inference does. */
  frozen?: readonly string[];
  /**
   * Batch normalisation uses its moving statistics in training too and does not update them, as is best for few pictures;
   * its scale and offset learn, unless the layer is in `frozen`. Default false.
   */
  frozenStatistics?: boolean;
}

/**
 * The layers of a described network in inference, complete and checked.
 * @param restored values by variable name.
 * @throws {UserError} as {@link createModel} does.
 */
export function layersFor(
  description: ModelDescription,
  restored: Map<string, Float32Array>,
): LayerSummary[] {
  return planOf(description, restored).layers;
}

function planOf(description: ModelDescription, restored: Map<string, Float32Array>): NetworkPlan {
  const { layers, architecture } = description;
  if (!layers && architecture !== 'layers') return planOfOlder(description, restored);
  return planLayers(completed(layers ?? []), description);
}

/**
 * Creates a network with its variables, random or restored. An engine must be running; dispose of the model after use.
 * @throws {UserError} naming the layer, where the shapes do not fit; for an unknown architecture or layer; for a name in
 * `frozen` that is not a layer's.
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs-core';
 * import { createModel, startEngine } from 'bat-sup';
 *
 * const engine = await startEngine('cpu', { threads: 1 });
 * const model = createModel({ architecture: 'article', width: 16, height: 16, channels: 3, classes: ['bat', 'sup'] });
 * console.log(model.forward(tf.zeros([1, 16, 16, 3])).shape); // [1, 2]
 * model.dispose();
 * await engine.dispose();
 * ```
 */
export function createModel(description: ModelDescription, options: ModelOptions = {}): Model {
  const { seed = 1, restored = new Map(), dropout = 0, preprocessing = ownPreprocessing } = options;
  const inference = planOf(description, restored);
  const drops = dropout > 0 && description.architecture !== 'layers';
  const plan = drops ? planLayers(withDropout(inference.layers, dropout), description) : inference;
  const scope = new Scope(seed, restored, freezingOf(plan, options));
  for (const planned of plan.planned) scope.makeVariables(planned);
  const program = programOf(plan, scope);
  return {
    description: { ...description, layers: inference.layers },
    preprocessing: normalisationOf(preprocessing),
    variables: scope.variables,
    state: scope.state,
    frozen: scope.frozen,
    layers: plan.layers,
    forward(pictures, watch, training) {
      scope.begin(watch, training);
      return runNetwork(program, pictures, training);
    },
    dispose() {
      program.front?.dispose();
      scope.dispose();
    },
  };
}

function freezingOf(
  { layers }: NetworkPlan,
  { frozen = [], frozenStatistics = false }: ModelOptions,
): Freezing {
  for (const name of frozen) {
    if (!layers.some((layer) => layer.name === name))
      throw new UserError(`The layer "${name}" cannot be frozen: the network has none of this name.`);
  }
  return { frozen: new Set(frozen), frozenStatistics };
}
