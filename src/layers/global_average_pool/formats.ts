import { expect, expectChannelsLast } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { NodeMessage } from '../../formats/onnx/protos.ts';
import type { Reading } from '../../formats/onnx/reading.ts';
import { attribute, constant } from '../../formats/tensorflow/attributes.ts';
import { readGlobalReduction } from '../../formats/tensorflow/global_reduction.ts';
import { type GlobalAveragePoolingOptions, globalAveragePool } from './layer.ts';

export function addGlobalAveragePool(
  builder: NetworkBuilder,
  input: Value,
  keepsDimensions: boolean,
  where: string,
): Value {
  return builder.add(globalAveragePool, [input], keepsDimensions ? { keepDimensions: true } : {}, {}, where);
}

/** Features [channels] as maps [1, 1, channels]. */
export function addMaps(builder: NetworkBuilder, features: Value, where: string): Value {
  const means =
    builder.kindOf(features) === globalAveragePool.kind &&
    builder.revise(features, globalAveragePool, { keepDimensions: true }, where);
  return means || { ...features, asMaps: true };
}

/** The axes of a ReduceMean, which later operator sets have as an input. */
function axesOf({ constants }: Reading, { attribute, input }: NodeMessage, rank: number): number[] {
  const axes = attribute.find(({ name }) => name === 'axes')?.ints ?? constants(input[1] ?? '')?.values ?? [];
  return [...axes].map((axis) => (axis < 0 ? axis + rank : axis));
}

/** The axes of a mean of means, as x.mean(3).mean(2) writes it; empty for any other next node. */
function axesOfNext(reading: Reading): number[] {
  const { node, next } = reading;
  const isOne = (mean: NodeMessage | undefined) =>
    mean?.op_type === 'ReduceMean' && mean.attribute.some(({ name, i }) => name === 'keepdims' && !i);
  const isMeanOfMeans = isOne(node) && axesOf(reading, node, 4).join() === '3' && isOne(next);
  return isMeanOfMeans ? axesOf(reading, next as NodeMessage, 3) : [];
}

export const formats: LayerFormats<GlobalAveragePoolingOptions> = {
  layer: globalAveragePool,
  keras: {
    write({ inputShape, attributes: { keepDimensions } }) {
      const config = { data_format: 'channels_last' };
      if (!keepDimensions) return { className: 'GlobalAveragePooling2D', config };
      // TensorFlow.js knows no keepdims. One window over all of the maps has the same mean.
      const size = inputShape.slice(0, 2);
      const window = { pool_size: size, strides: size, padding: 'valid' };
      return { className: 'AveragePooling2D', config: { ...window, ...config } };
    },
    read: {
      GlobalAveragePooling2D: {
        read(reading, [input]) {
          expectChannelsLast(reading);
          expect(reading, { keepdims: [false, true] });
          const { builder, layer } = reading;
          return addGlobalAveragePool(builder, input, layer.config.keepdims === true, layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs }) {
      if (layer.attributes.keepDimensions) return graph.add('GlobalAveragePool', inputs, layer.name);
      const averages = graph.add('GlobalAveragePool', inputs, `${layer.name}/maps`);
      return graph.add('Flatten', [averages], layer.name, { axis: 1 });
    },
    read: {
      GlobalAveragePool: {
        read: (reading) =>
          reading.maps(addGlobalAveragePool(reading.builder, reading.channelsFirst(), true, reading.where)),
      },
      ReduceMean: {
        read(reading) {
          const { value, layout } = reading.operand();
          const axes = axesOf(reading, reading.node, 4);
          if ([...axes, ...axesOfNext(reading)].sort().join() !== (layout === 'nchw' ? '2,3' : '1,2'))
            reading.fail(`averages over the axes ${axes}; bat-sup supports only height and width`);
          const keepsDimensions = reading.int('keepdims', 1) === 1;
          return reading.like(addGlobalAveragePool(reading.builder, value, keepsDimensions, reading.where));
        },
        takesNext: (reading) => axesOfNext(reading).length > 0,
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const axes = graph.ints(`${layer.name}/axes`, [1, 2]);
      const mean = { code: 40, version: 1, options: 27 };
      const options = layer.attributes.keepDimensions ? [{ slot: 0, int8: 1 }] : [];
      return graph.add(mean, [...inputs, axes], layer.name, layer.outputShape, options);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer, inputs: [maps] }) {
      const axes = graph.constant('Mean/reduction_indices', constant.integers([1, 2]));
      const attributes = layer.attributes.keepDimensions && { keep_dims: attribute.bool(true) };
      return graph.add('Mean', [maps, axes], { attributes });
    },
    read: {
      Mean: (node) => readGlobalReduction(node, addGlobalAveragePool),
    },
  },
};
