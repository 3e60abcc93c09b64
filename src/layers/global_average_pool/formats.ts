import { expect, expectChannelsLast } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { constant } from '../../formats/tensorflow/attributes.ts';
import { constantOf, operationOf } from '../../formats/tensorflow/meanings.ts';
import { globalAveragePool } from './layer.ts';

export function addGlobalAveragePool(builder: NetworkBuilder, input: Value, where: string): Value {
  return builder.add(globalAveragePool, [input], {}, {}, where);
}

export const formats: LayerFormats<object> = {
  layer: globalAveragePool,
  keras: {
    write: () => ({ className: 'GlobalAveragePooling2D', config: { data_format: 'channels_last' } }),
    read: {
      GlobalAveragePooling2D: {
        read(reading, [input]) {
          expectChannelsLast(reading);
          expect(reading, { keepdims: [false] });
          return addGlobalAveragePool(reading.builder, input, reading.layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs }) {
      const averages = graph.add('GlobalAveragePool', inputs, `${layer.name}/maps`);
      return graph.add('Flatten', [averages], layer.name, { axis: 1 });
    },
    read: {
      GlobalAveragePool: {
        read: (reading) =>
          reading.maps(addGlobalAveragePool(reading.builder, reading.channelsFirst(), reading.where)),
      },
      ReduceMean: {
        read(reading) {
          const { value, layout } = reading.operand();
          const axes = reading.ints('axes') ?? [...(reading.constant(1)?.values ?? [])];
          const counted = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort();
          if (counted.join() !== (layout === 'nchw' ? '2,3' : '1,2'))
            reading.fail(`averages over the axes ${axes}; bat-sup supports only height and width`);
          return reading.like(addGlobalAveragePool(reading.builder, value, reading.where));
        },
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs }) {
      const axes = graph.ints(`${layer.name}/axes`, [1, 2]);
      const mean = { code: 40, version: 1, options: 27 };
      return graph.add(mean, [...inputs, axes], layer.name, layer.outputShape);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, inputs: [maps] }) {
      const axes = graph.constant('Mean/reduction_indices', constant.integers([1, 2]));
      return graph.add('Mean', [maps, axes]);
    },
    read: {
      Mean({ attributes, inputs: [maps, axes] }) {
        const input = operationOf(maps);
        const isOfMaps = constantOf(axes)?.values.join() === '1,2' && !attributes.get('keep_dims')?.b;
        if (!isOfMaps || !input) return undefined;
        return {
          inputs: [input],
          isFlat: true,
          make: ({ builder, where }, [x]) => addGlobalAveragePool(builder, x, where),
        };
      },
    },
  },
};
