import { UserError } from '../errors.ts';
import { type LayerSummary, layerOf, modelTools, NetworkPlan, type Value } from '../layers/index.ts';
import type { ModelDescription } from './description.ts';
import { firstChannelsFor } from './growth.ts';
import { architectures } from './index.ts';

type Sizes = Pick<ModelDescription, 'width' | 'height' | 'channels' | 'classes'>;

const picturesOf = ({ height, width, channels }: Sizes): Value => ({ shape: [-1, height, width, channels] });

/**
 * Plans the layers of a named architecture.
 * @param firstChannels channels of the first stage; default: from the number of classes.
 * @throws {UserError} naming the layer, where the pictures are too small; for an unknown architecture.
 */
export function planArchitecture(
  architecture: string,
  sizes: Sizes,
  firstChannels = firstChannelsFor(sizes.classes.length),
): NetworkPlan {
  if (!Object.hasOwn(architectures, architecture))
    throw new UserError(
      `The network "${architecture}" is not known to this version of bat-sup; install a newer one.`,
    );
  const plan = new NetworkPlan();
  const { channels, classes } = sizes;
  architectures[architecture as keyof typeof architectures](modelTools(plan), picturesOf(sizes), {
    channels,
    classes: classes.length,
    firstChannels,
  });
  return plan;
}

/** A layer before it is planned: without shapes and variables. */
export type Blueprint = Pick<LayerSummary, 'name' | 'kind' | 'inputs' | 'attributes'>;

/**
 * Plans layers for pictures of a size: adds their shapes and variables. The output of the last is the logits.
 * @throws {UserError} for an unknown kind of layer, one that reads a later layer, or one whose input does not fit.
 */
export function planLayers(layers: Blueprint[], sizes: Sizes): NetworkPlan {
  const plan = new NetworkPlan();
  const pictures = picturesOf(sizes);
  const outputs = new Map<string, Value>();
  for (const layer of layers) {
    const inputs = layer.inputs.map((name) => {
      const input = outputs.get(name);
      if (input) return input;
      throw new UserError(`${layer.name} reads ${name}, which is not a layer before it.`);
    });
    const read = inputs.length > 0 ? inputs : [pictures];
    outputs.set(layer.name, plan.apply(layerOf(layer), read, layer.attributes, layer.name));
  }
  return plan;
}
