import { UserError } from '../../errors.ts';
import { addRelu } from '../../layers/activation/formats.ts';
import { addAddition } from '../../layers/add/formats.ts';
import { addBatchNorm } from '../../layers/batch_norm/formats.ts';
import { addConv } from '../../layers/conv/formats.ts';
import { addDropout } from '../../layers/dropout/formats.ts';
import { addFlatten } from '../../layers/flatten/formats.ts';
import { addFullyConnected } from '../../layers/fully_connected/formats.ts';
import { addGlobalAveragePool } from '../../layers/global_average_pool/formats.ts';
import { type LayerSummary, variablesOf } from '../../layers/index.ts';
import { addMaxPool } from '../../layers/pool/formats.ts';
import { addZeroPadding } from '../../layers/zero_padding/formats.ts';
import { architectureNames } from '../../models/index.ts';
import { createModel, type ModelDescription } from '../../models/model.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { type Tensor, toHwio, transpose } from '../../tensors/tensors.ts';
import { type About, aboutKey, readAbout } from '../about.ts';
import type { ImportHints, Network } from '../format.ts';
import { paddingOf, sidesOf } from '../interim.ts';
import { NetworkBuilder, type Value } from '../network_builder.ts';
import { decodeSafetensors } from './decode.ts';
import { ourNames } from './pytorch.ts';

interface Rebuilding {
  builder: NetworkBuilder;
  layer: LayerSummary;
  /** One of the layer's tensors by PyTorch's name for it. */
  find(suffix: string): Tensor | undefined;
  /** The same; missing ones are an error. */
  tensor(suffix: string): Tensor;
}

function kernelOf({ builder, layer, tensor }: Rebuilding): Tensor {
  const kernel = tensor('weight');
  if (kernel.shape.length !== 4)
    builder.fail(`${layer.name}.weight`, `is [${kernel.shape}], not of four axes`);
  return toHwio(kernel);
}

function windowOf(layer: LayerSummary) {
  const { kernel, stride } = layer.attributes;
  const twice = (length: unknown) => [Number(length), Number(length)];
  return { kernel: twice(kernel), strides: twice(stride), padding: paddingOf(layer) };
}

/** Each kind of layer anew, with PyTorch's tensors. */
const rebuild: Record<string, (inputs: [Value, ...Value[]], rebuilding: Rebuilding) => Value> = {
  conv: ([input], rebuilding) => {
    const { builder, layer, find } = rebuilding;
    const biases = find('bias');
    const { strides, padding } = windowOf(layer);
    return addConv(builder, input, { kernel: kernelOf(rebuilding), biases, strides, padding }, layer.name);
  },
  pool: ([input], { builder, layer }) => addMaxPool(builder, input, windowOf(layer), layer.name),
  activation: ([input], { builder }) => addRelu(builder, input, 'relu'),
  flatten: ([input], { builder, layer }) => addFlatten(builder, input, 'chw', layer.name),
  fullyConnected: ([input], { builder, layer, find, tensor }) => {
    const weights = tensor('weight');
    if (weights.shape.length !== 2)
      builder.fail(`${layer.name}.weight`, `is [${weights.shape}], not of two axes`);
    return addFullyConnected(
      builder,
      input,
      { weights: transpose(weights), biases: find('bias') },
      layer.name,
    );
  },
  batchNorm: ([input], { builder, layer, tensor }) => {
    const learnt = { scale: tensor('weight'), offset: tensor('bias') };
    const kept = { mean: tensor('running_mean'), variance: tensor('running_var') };
    const epsilon = Number(layer.attributes.epsilon);
    return addBatchNorm(builder, input, { epsilon, ...learnt, ...kept }, layer.name);
  },
  add: ([one, other], { builder, layer }) =>
    addAddition(builder, one, other ?? builder.fail(layer.name, 'adds nothing'), layer.name),
  globalAveragePool: ([input], { builder, layer }) => addGlobalAveragePool(builder, input, layer.name),
  dropout: ([input], { builder, layer }) =>
    addDropout(builder, input, Number(layer.attributes.rate), layer.name),
  zeroPadding([input], { builder, layer }) {
    const { top, left, bottom, right } = sidesOf(layer);
    return addZeroPadding(builder, input, [top, left, bottom, right], layer.name);
  },
};

function isLayer(layer: LayerSummary): boolean {
  return (
    typeof layer?.name === 'string' &&
    Object.hasOwn(rebuild, layer.kind) &&
    Array.isArray(layer.inputs) &&
    typeof layer.attributes === 'object' &&
    layer.attributes !== null
  );
}

/**
 * A network of a safetensors file: as its metadata tell where bat-sup wrote them, else of the architecture whose
 * variables it holds. The engine must have been started.
 * @throws {UserError} where it is damaged, or fits neither.
 */
export function readSafetensors(data: Uint8Array, source: string, hints: ImportHints): Network {
  const { metadata, tensors } = decodeSafetensors(data, source);
  const told = readAbout(metadata[aboutKey], source);
  const { shape, layers } = told?.layers ? describedBy(told, source) : recognise(tensors, hints, source);
  const builder = new NetworkBuilder(source, hints);
  const pictures = builder.pictures('the network', shape);
  const values = new Map<string, Value>();
  let last = pictures;
  for (const layer of layers) {
    const inputs = layer.inputs.map(
      (name) => values.get(name) ?? builder.fail(layer.name, `reads ${name}, which is not before it`),
    );
    const moduleName = layer.name.replaceAll('/', '.');
    const find = (suffix: string) => tensors.get(`${moduleName}.${suffix}`);
    const tensor = (suffix: string) => find(suffix) ?? builder.fail(`${moduleName}.${suffix}`, 'is missing');
    last = (rebuild[layer.kind] as (typeof rebuild)[string] & object)(
      [inputs[0] ?? pictures, ...inputs.slice(1)],
      { builder, layer, find, tensor },
    );
    values.set(layer.name, last);
  }
  return builder.finish(pictures, last, told);
}

interface Described {
  /** Of a picture, [height, width, channels]. */
  shape: number[];
  layers: LayerSummary[];
}

function describedBy({ width, height, channels, layers = [] }: About, source: string): Described {
  if (Array.isArray(layers) && layers.every(isLayer)) return { shape: [height, width, channels], layers };
  throw new UserError(`${source} is damaged: its metadata tell no layers; export it anew.`);
}

/** The named architecture whose variables these are. */
function recognise(tensors: Map<string, Tensor>, { width, height }: ImportHints, source: string): Described {
  const outputs = tensors.get('logits.bias')?.shape[0] ?? 0;
  const classes = Array.from({ length: outputs }, (_, index) => String(index));
  for (const architecture of architectureNames)
    for (const channels of [3, 1] as const) {
      const layers = fittingLayers({ architecture, width, height, channels, classes }, tensors);
      if (layers) return { shape: [height, width, channels], layers };
    }
  throw new UserError(
    `${source} cannot be imported: no architecture of bat-sup (${architectureNames.join(', ')}) for pictures of ` +
      `${width} x ${height} has its tensors; give --width and --height, or import an ONNX file.`,
  );
}

function fittingLayers(
  description: ModelDescription,
  tensors: Map<string, Tensor>,
): LayerSummary[] | undefined {
  const named = [...tensors].flatMap(([name, { values }]) =>
    ourNames(name).map((own): [string, Float32Array] => [own, values]),
  );
  const known = new Map(named);
  try {
    const { layers, dispose } = createModel(description, { restored: new Map(known) });
    dispose();
    const variables = layers.flatMap(variablesOf);
    return variables.every(({ name, shape }) => known.get(name)?.length === sizeOf(shape))
      ? layers
      : undefined;
  } catch {
    return undefined; // A tensor has another size than the architecture's variable.
  }
}
