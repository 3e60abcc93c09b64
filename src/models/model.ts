import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import {
  type LayerSummary,
  type LayerWatch,
  type LearningPass,
  modelTools,
  Scope,
} from '../model_tools/index.ts';
import { type ArchitectureName, architectures } from './index.ts';

/** What a network is made for; kept in its checkpoints. */
export interface ModelDescription {
  architecture: ArchitectureName;
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  classes: string[];
}

export interface Model {
  description: ModelDescription;
  /** Trainable variables by name, e.g. 'conv1/weights'. */
  variables: Map<string, tf.Variable>;
  /** What layers keep besides, e.g. 'norm1/mean'; saved with the variables, changed by no gradient. */
  state: Map<string, tf.Variable>;
  layers: LayerSummary[];
  /**
   * Pictures [batch, height, width, channels] in 0..1 -> logits [batch, classes].
   * @param watch sees every layer's output, and may replace it.
   * @param learning where the pass is learnt from: batch normalisation goes by the batch, dropout drops.
   */
  forward(pictures: tf.Tensor4D, watch?: LayerWatch, learning?: LearningPass): tf.Tensor2D;
  dispose(): void;
}

/**
 * A network with its variables, random by `seed` or as `restored` from a checkpoint.
 * @param dropout share of the features before the logits that learning drops.
 * @throws {UserError} naming the layer, where the shapes do not fit; for an architecture that is not known.
 */
export function createModel(
  description: ModelDescription,
  { seed = 1, restored = new Map<string, Float32Array>(), dropout = 0 } = {},
): Model {
  const { width, height, channels, classes } = description;
  const scope = new Scope(seed, restored);
  const tools = modelTools(scope);
  if (!Object.hasOwn(architectures, description.architecture))
    throw new UserError(`The network "${description.architecture}" is not known to this version of bat-sup.`);
  const architecture = architectures[description.architecture];
  const forward = (pictures: tf.Tensor4D, watch?: LayerWatch, learning?: LearningPass) => {
    scope.begin(watch, learning);
    return architecture(tools, pictures, { channels, classes: classes.length, dropout });
  };
  // One pass makes the variables and tells every layer's shape.
  tf.tidy(() => forward(tf.zeros([1, height, width, channels])));
  return {
    description,
    variables: scope.variables,
    state: scope.state,
    layers: scope.layers,
    forward,
    dispose: () => scope.dispose(),
  };
}
