import {
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
import { ownPreprocessing, type Preprocessing } from './preprocessing.ts';

export type { ModelDescription } from './description.ts';

export interface Model {
  /** Its layers included, as they compute in inference. */
  description: ModelDescription & Required<Pick<ModelDescription, 'layers'>>;
  /** How pixels become what it reads. */
  preprocessing: Pick<Preprocessing, 'scale' | 'order'>;
  /** Trainable variables by name, e.g. 'conv1/weights'. */
  variables: Map<string, tf.Variable>;
  /** What layers keep besides, e.g. 'norm1/mean'; saved with the variables, changed by no gradient. */
  state: Map<string, tf.Variable>;
  /** As this model computes: with dropout, where it is trained with it. */
  layers: LayerSummary[];
  /**
   * Pictures [batch, height, width, channels], preprocessed -> logits [batch, classes].
   * @param watch sees every layer's output, and may replace it.
   * @param training in training mode: batch normalisation uses the batch's statistics, dropout drops.
   */
  forward(pictures: tf.Tensor4D, watch?: LayerWatch, training?: TrainingPass): tf.Tensor2D;
  dispose(): void;
}

export interface ModelOptions {
  seed?: number;
  /** Values by variable name, instead of random ones. */
  restored?: Map<string, Float32Array>;
  /** Share of the features before the logits that training drops, of a named architecture; default 0. */
  dropout?: number;
  /** Default: 0..1, RGB. */
  preprocessing?: Model['preprocessing'] | undefined;
}

/** The network of a description as it computes in inference. */
function planOf(description: ModelDescription, restored: Map<string, Float32Array>): NetworkPlan {
  const { layers, architecture } = description;
  if (!layers && architecture !== 'layers') return planOfOlder(description, restored);
  return planLayers(completed(layers ?? []), description);
}

/**
 * A network with its variables, random by `seed` or as `restored` from a checkpoint.
 * @throws {UserError} naming the layer, where the shapes do not fit; for an architecture or a layer that is not known.
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
export function createModel(
  description: ModelDescription,
  { seed = 1, restored = new Map(), dropout = 0, preprocessing = ownPreprocessing }: ModelOptions = {},
): Model {
  const inference = planOf(description, restored);
  const drops = dropout > 0 && description.architecture !== 'layers';
  const plan = drops ? planLayers(withDropout(inference.layers, dropout), description) : inference;
  const scope = new Scope(seed, restored);
  for (const planned of plan.planned) scope.makeVariables(planned);
  return {
    description: { ...description, layers: inference.layers },
    preprocessing: { scale: preprocessing.scale, order: preprocessing.order ?? 'rgb' },
    variables: scope.variables,
    state: scope.state,
    layers: plan.layers,
    forward(pictures, watch, training) {
      scope.begin(watch, training);
      return runNetwork(plan, scope, pictures);
    },
    dispose: () => scope.dispose(),
  };
}

/** Computes the layers one after the other. @returns the last one's output, the logits. */
function runNetwork({ planned }: NetworkPlan, scope: Scope, pictures: tf.Tensor): tf.Tensor2D {
  const outputs = new Map<string, tf.Tensor>();
  let output = pictures;
  for (const step of planned) {
    const inputs = step.summary.inputs.map((name) => outputs.get(name) as tf.Tensor);
    output = scope.run(step, inputs.length > 0 ? inputs : [pictures]);
    outputs.set(step.summary.name, output);
  }
  return output as tf.Tensor2D;
}
