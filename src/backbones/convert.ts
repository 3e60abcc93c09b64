import type { CheckpointInfo } from '../checkpoints/index.ts';
import { readPyTorch } from '../formats/pytorch/read.ts';
import type { StateDict } from '../formats/state_dict/state_dict.ts';
import { formatsOf } from '../layers/formats.ts';
import { type LayerSummary, variablesOf } from '../layers/index.ts';
import type { ModelDescription } from '../models/description.ts';
import { planArchitecture } from '../models/plan.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import { type Backbone, imageNetClasses } from './catalogue.ts';

/**
 * Names of the modules with weights in the order in which they are computed, which is that of our layers.
 * @param names of the state_dict's tensors.
 */
function modulesOf(names: Set<string>): string[] {
  const modules = ['_conv_stem', '_bn0'];
  for (let block = 0; ; block++) {
    const prefix = `_blocks.${block}.`;
    if (!names.has(`${prefix}_depthwise_conv.weight`)) break;
    const expansion = names.has(`${prefix}_expand_conv.weight`) ? ['_expand_conv', '_bn0'] : [];
    const rest = ['_depthwise_conv', '_bn1', '_project_conv', '_bn2'];
    modules.push(...[...expansion, ...rest].map((name) => prefix + name));
  }
  return [...modules, '_conv_head', '_bn1', '_fc'];
}

/** A layer's variables, from the tensors of a module, in our layout. */
function convertLayer(layer: LayerSummary, module: string, tensors: StateDict): NamedTensor[] {
  const { pyTorch } = formatsOf(layer);
  return variablesOf(layer).map(({ name, shape }) => {
    const { name: suffix, fromPyTorch } = pyTorch[name.slice(layer.name.length + 1)] ?? { name: '' };
    const full = `${module}.${suffix}`;
    const tensor = tensors.get(full);
    tensors.delete(full);
    if (!tensor || sizeOf(tensor.shape) !== sizeOf(shape))
      throw new Error(`${full} is ${tensor ? `[${tensor.shape}]` : 'missing'}`);
    const stored = tensor.read();
    const converted = fromPyTorch?.(stored, undefined) ?? stored;
    if (String(converted.shape) !== String(shape)) throw new Error(`${full} is [${tensor.shape}]`);
    return { name, shape, values: converted.values };
  });
}

/**
 * Converts a backbone's state_dict to a checkpoint of ours.
 * @param data of its .pth file.
 * @throws {Error} where it is not that of the backbone: a tensor is missing, unknown, or of another shape.
 */
export function convertBackbone(
  backbone: Backbone,
  data: Uint8Array,
): { info: CheckpointInfo; weights: NamedTensor[] } {
  const { architecture, width, height, preprocessing } = backbone;
  const description: ModelDescription = {
    architecture,
    width,
    height,
    channels: 3,
    classes: imageNetClasses,
  };
  const { layers } = planArchitecture(architecture, description);
  const tensors = readPyTorch(data, backbone.weights.name);
  const modules = modulesOf(new Set(tensors.keys()));
  const withWeights = layers.filter((layer) => variablesOf(layer).length > 0);
  if (modules.length !== withWeights.length)
    throw new Error(`it has ${modules.length} modules instead of ${withWeights.length}`);
  const weights = withWeights.flatMap((layer, index) =>
    convertLayer(layer, modules[index] as string, tensors),
  );
  // Counts of training steps, which nothing needs.
  const unused = [...tensors.keys()].filter((name) => !name.endsWith('.num_batches_tracked'));
  if (unused.length > 0) throw new Error(`nothing reads ${unused[0]}`);
  const info: CheckpointInfo = {
    model: { ...description, layers },
    preprocessing,
    training: { seed: 1, batchSize: 1, learningRate: 0, validationSplit: 0, dataset: '' },
    position: { step: 0, epoch: 0, batch: 0, lossSum: 0, correct: 0 },
    metrics: {},
  };
  return { info, weights };
}
