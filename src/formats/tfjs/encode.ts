import { packageVersion } from '../../system/version.ts';
import { bytesOf, type Tensor, toFloat16 } from '../../tensors/tensors.ts';
import { affineOf } from '../affine.ts';
import type { ExportOptions, Network, WeightType } from '../format.ts';
import { toKerasLayers, type WrittenLayer } from '../keras_model/write.ts';
import { metadataKey, metadataOf } from '../metadata.ts';

/** The size of shards that TensorFlow.js's converter writes, so that browsers cache each one. */
const shardBytes = 4 * 2 ** 20;

interface Stored {
  bytes: Uint8Array;
  quantization?: { dtype: string; original_dtype: 'float32'; scale?: number; min?: number };
}

/** Stores each value in 8 bits, in 256 equal steps from the minimum to the maximum, one of which is exactly 0. */
function toUint8(values: Float32Array): Stored {
  let [min, max] = [0, 0];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const scale = (max - min) / 255 || 1;
  const zero = Math.round(-min / scale);
  const bytes = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++)
    bytes[i] = Math.min(255, Math.max(0, Math.round((values[i] as number) / scale) + zero));
  return { bytes, quantization: { dtype: 'uint8', original_dtype: 'float32', scale, min: -zero * scale } };
}

function store({ shape, values }: Tensor, type: WeightType): Stored {
  if (type === 'float16')
    return {
      bytes: bytesOf(toFloat16(values)),
      quantization: { dtype: 'float16', original_dtype: 'float32' },
    };
  return type === 'int8' && shape.length > 1 ? toUint8(values) : { bytes: bytesOf(values) };
}

/** A layer, or those that stand for it where TensorFlow.js lacks it. */
const supported = (layer: WrittenLayer): WrittenLayer[] =>
  layer.inTfjs?.(layer).map((one) => ({ ...one, weights: [] })) ?? [layer];

/** TensorFlow.js's topology for a functional network of these layers. */
function topologyOf({ model, layers }: Network, written: WrittenLayer[]) {
  const input = {
    class_name: 'InputLayer',
    name: 'pictures',
    config: {
      name: 'pictures',
      batch_input_shape: [null, model.height, model.width, model.channels],
      dtype: 'float32',
      sparse: false,
    },
    inbound_nodes: [],
  };
  const others = written.map(({ className, name, config, inputs }) => ({
    class_name: className,
    name,
    config: { name, ...config },
    inbound_nodes: [inputs.map((one) => [one, 0, 0, {}])],
  }));
  const config = {
    name: model.architecture,
    layers: [input, ...others],
    input_layers: [['pictures', 0, 0]],
    output_layers: [[written.at(-1)?.name ?? layers.at(-1)?.name, 0, 0]],
  };
  return { class_name: 'Model', config, keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' };
}

/**
 * Writes a network as TensorFlow.js's layers-model (tensorflow.org/js/guide/save_load).
 * @returns files by name: model.json and the shards of the weights.
 */
export function encodeTfjs(
  network: Network,
  { weights, preprocessing }: ExportOptions,
): Map<string, Uint8Array> {
  const written = toKerasLayers(
    network.layers,
    preprocessing === 'inside' ? affineOf(network.preprocessing) : undefined,
  ).flatMap(supported);
  const parts: Uint8Array[] = [];
  const entries = written.flatMap((layer) =>
    layer.weights.map(({ name, variable }) => {
      const tensor = network.weights.get(variable) as Tensor;
      const { bytes, quantization } = store(tensor, weights);
      parts.push(bytes);
      return {
        name: `${layer.name}/${name}`,
        shape: tensor.shape,
        dtype: 'float32',
        ...(quantization && { quantization }),
      };
    }),
  );
  const data = Buffer.concat(parts);
  const count = Math.max(1, Math.ceil(data.length / shardBytes));
  const paths = Array.from({ length: count }, (_, index) => `group1-shard${index + 1}of${count}.bin`);
  const json = {
    format: 'layers-model',
    generatedBy: `bat-sup ${packageVersion()}`,
    convertedBy: null,
    modelTopology: topologyOf(network, written),
    weightsManifest: [{ paths, weights: entries }],
    userDefinedMetadata: { [metadataKey]: metadataOf(network, { scaledInside: preprocessing === 'inside' }) },
  };
  const files = paths.map((path, index): [string, Uint8Array] => [
    path,
    data.subarray(index * shardBytes, (index + 1) * shardBytes),
  ]);
  return new Map([['model.json', Buffer.from(JSON.stringify(json))], ...files]);
}
