import { createFoldedModel } from '../inference/model.ts';
import { type LayerSummary, type Scope, variablesOf } from '../layers/index.ts';
import type { tf } from '../tensors/tf.ts';
import type { Group } from './norm_conv_groups.ts';

/** The first layers of a network, which training does not change. */
export interface Front {
  /** How many groups of layers it computes. */
  groups: number;
  /** The last of its layers, the only one that the others read. */
  last: string;
  /** Preprocessed pictures [batch, height, width, channels] -> the output of its last layer. */
  forward(pictures: tf.Tensor4D): tf.Tensor;
  dispose(): void;
}

const layersOf = (groups: Group[]): LayerSummary[] =>
  groups.flat().flatMap((layer) => (layer ? [layer.summary] : []));

/**
 * The first layers of a network that is fine-tuned, folded for inference, which takes half of the time.
 * @param constant names of the layers that training does not change.
 * @returns undefined where no frozen weights come first.
 */
export function frontOf(
  groups: Group[],
  constant: ReadonlySet<string>,
  { frozen }: Scope,
): Front | undefined {
  const count = groupsInFront(groups, constant);
  const layers = layersOf(groups.slice(0, count));
  const variables = layers.flatMap(variablesOf);
  if (variables.length === 0) return undefined;
  const fold = () => {
    const weights = variables.map(
      ({ name }) => [name, frozen.get(name)?.dataSync() as Float32Array] as const,
    );
    return createFoldedModel({ layers, weights: new Map(weights) });
  };
  // Made when it is needed: on a cluster the weights come after the network.
  let folded: ReturnType<typeof fold> | undefined;
  return {
    groups: count,
    last: (layers.at(-1) as LayerSummary).name,
    forward(pictures) {
      folded ??= fold();
      return folded.forward(pictures);
    },
    dispose: () => folded?.dispose(),
  };
}

/** The most groups, from the first on, that are constant and of which the others read the last layer alone. */
function groupsInFront(groups: Group[], constant: ReadonlySet<string>): number {
  // Dropout changes with every step, though it learns nothing.
  const isFixed = ({ name, kind }: LayerSummary) => constant.has(name) && kind !== 'dropout';
  const first = groups.findIndex((group) => !layersOf([group]).every(isFixed));
  for (let count = first < 0 ? groups.length : first; count > 0; count--) {
    const inside = new Set(
      layersOf(groups.slice(0, count))
        .slice(0, -1)
        .map(({ name }) => name),
    );
    const others = layersOf(groups.slice(count));
    if (others.every(({ inputs }) => inputs.length > 0 && !inputs.some((input) => inside.has(input))))
      return count;
  }
  return 0;
}
