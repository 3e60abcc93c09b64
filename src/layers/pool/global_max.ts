import type { KerasClass } from '../../formats/keras_model/layer_format.ts';
import { expect, expectChannelsLast } from '../../formats/keras_model/reading.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Reading } from '../../formats/onnx/reading.ts';
import { readGlobalReduction } from '../../formats/tensorflow/global_reduction.ts';
import type { GraphNode } from '../../formats/tensorflow/meanings.ts';
import { addFlatten } from '../flatten/formats.ts';
import { shortestSizes } from '../window.ts';
import { pool } from './layer.ts';

/** Adds the maximum of each map: a max pooling with one window over all of it. */
function addGlobalMax(builder: NetworkBuilder, input: Value, keepsDimensions: boolean, where: string): Value {
  const [height, width] = input.shape as [number, number];
  if (input.shape.length !== 3) builder.fail(where, `needs maps, but its input is [${input.shape}]`);
  const sizes = shortestSizes({ kernel: [height, width], stride: [height, width] });
  const maxima = builder.add(pool, [input], { ...sizes, padding: 'valid' }, {}, where);
  return keepsDimensions ? maxima : addFlatten(builder, maxima, 'hwc', where);
}

export const kerasGlobalMax: KerasClass = {
  read(reading, [input]) {
    expectChannelsLast(reading);
    expect(reading, { keepdims: [false, true] });
    const { builder, layer } = reading;
    return addGlobalMax(builder, input, layer.config.keepdims === true, layer.name);
  },
};

export const onnxGlobalMax = {
  read: (reading: Reading) =>
    reading.maps(addGlobalMax(reading.builder, reading.channelsFirst(), true, reading.where)),
};

/** Reads a Max over height and width. */
export const tensorFlowGlobalMax = (node: GraphNode) => readGlobalReduction(node, addGlobalMax);
