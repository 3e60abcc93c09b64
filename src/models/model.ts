import * as tf from '@tensorflow/tfjs-core';
import { UserError } from '../errors.ts';
import {
  type LayerSummary,
  type LayerWatch,
  type LearningPass,
  modelTools,
  Scope,
} from '../model_tools/index.ts';
import type { Architecture } from './architecture.ts';
import { fromLayers } from './from_layers.ts';
import { firstChannelsFor } from './growth.ts';
import { type ArchitectureName, architectures } from './index.ts';
import { ownPreprocessing, type Preprocessing } from './preprocessing.ts';

/** What a network is made for; kept in its checkpoints. */
export interface ModelDescription {
  /** 'layers': an imported network of none of the named architectures. */
  architecture: ArchitectureName | 'layers';
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  classes: string[];
  /** Of the architecture 'layers'. */
  layers?: LayerSummary[];
}

export interface Model {
  description: ModelDescription;
  /** How pixels become what it reads. */
  preprocessing: Pick<Preprocessing, 'scale' | 'order'>;
  /** Trainable variables by name, e.g. 'conv1/weights'. */
  variables: Map<string, tf.Variable>;
  /** What layers keep besides, e.g. 'norm1/mean'; saved with the variables, changed by no gradient. */
  state: Map<string, tf.Variable>;
  layers: LayerSummary[];
  /**
   * Pictures [batch, height, width, channels], preprocessed -> logits [batch, classes].
   * @param watch sees every layer's output, and may replace it.
   * @param learning where the pass is learnt from: batch normalisation goes by the batch, dropout drops.
   */
  forward(pictures: tf.Tensor4D, watch?: LayerWatch, learning?: LearningPass): tf.Tensor2D;
  dispose(): void;
}

export interface ModelOptions {
  seed?: number;
  /** Values by variable name, instead of random ones. */
  restored?: Map<string, Float32Array>;
  /** Share of the features before the logits that learning drops; 0 unless told. */
  dropout?: number;
  /** 0..1, RGB unless told. */
  preprocessing?: Model['preprocessing'] | undefined;
}

function architectureOf({ architecture, layers = [] }: ModelDescription): Architecture {
  if (architecture === 'layers') return fromLayers(layers);
  if (Object.hasOwn(architectures, architecture)) return architectures[architecture];
  throw new UserError(
    `The network "${architecture}" is not known to this version of bat-sup; install a newer one.`,
  );
}

/**
 * A network with its variables, random by `seed` or as `restored` from a checkpoint.
 * @throws {UserError} naming the layer, where the shapes do not fit; for an architecture that is not known.
 */
export function createModel(
  description: ModelDescription,
  { seed = 1, restored = new Map(), dropout = 0, preprocessing = ownPreprocessing }: ModelOptions = {},
): Model {
  const { width, height, channels, classes } = description;
  const scope = new Scope(seed, restored);
  const tools = modelTools(scope);
  const architecture = architectureOf(description);
  const firstChannels = firstChannelsFor(classes.length, channels, restored.get('conv1/weights'));
  const sizes = { channels, classes: classes.length, dropout, firstChannels };
  const forward = (pictures: tf.Tensor4D, watch?: LayerWatch, learning?: LearningPass) => {
    scope.begin(watch, learning);
    return architecture(tools, pictures, sizes);
  };
  // One pass makes the variables and tells every layer's shape.
  tf.dispose(tf.tidy(() => forward(tf.zeros([1, height, width, channels]))));
  return {
    description,
    preprocessing: { scale: preprocessing.scale, order: preprocessing.order ?? 'rgb' },
    variables: scope.variables,
    state: scope.state,
    layers: scope.layers,
    forward,
    dispose: () => scope.dispose(),
  };
}
