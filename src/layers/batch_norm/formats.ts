import { expectLastAxis, required } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import { attribute } from '../../formats/tensorflow/attributes.ts';
import {
  type GraphNode,
  lengthOf,
  type Match,
  type Operation,
  operationOf,
  variableOf,
} from '../../formats/tensorflow/meanings.ts';
import { isNhwc } from '../../formats/tensorflow/reading.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { shortestDecimal } from '../../text/shortest_decimal.ts';
import { type BatchNormAttributes, type BatchNormPart, batchNorm } from './layer.ts';
import { unfusedBatchNorm } from './unfused_batch_norm.ts';

/** Tensors with one value per channel; scale defaults to 1, offset to 0. */
interface BatchNormParts {
  epsilon: number;
  scale?: Tensor | undefined;
  offset?: Tensor | undefined;
  mean: Tensor;
  variance: Tensor;
}

export function addBatchNorm(
  builder: NetworkBuilder,
  input: Value,
  { epsilon, ...parts }: BatchNormParts,
  where: string,
): Value {
  if (input.chwOf)
    builder.fail(
      where,
      'normalises maps that were flattened channel by channel; bat-sup can only normalise them before flattening',
    );
  const channels = input.shape.at(-1) as number;
  const all = (value: number): Tensor => ({
    shape: [channels],
    values: new Float32Array(channels).fill(value),
  });
  const tensors = { ...parts, scale: parts.scale ?? all(1), offset: parts.offset ?? all(0) };
  return builder.add(batchNorm, [input], { epsilon }, tensors, where);
}

/** The match for nodes that compute a batch normalisation. */
function match({ input, variables, epsilon }: NonNullable<ReturnType<typeof unfusedBatchNorm>>): Match {
  return {
    inputs: [input],
    variables,
    make({ builder, where, tensors }, [x]) {
      const parts = tensors as Record<'mean' | 'variance', Tensor>;
      return addBatchNorm(builder, x, { epsilon: shortestDecimal(epsilon), ...parts }, where);
    },
  };
}

/** The input: maps, or features that were reshaped to maps of one pixel for FusedBatchNorm. */
function normalisedBy({ inputs: [x] }: GraphNode): Operation | undefined {
  const features = x?.op === 'Reshape' && lengthOf(x.inputs[1]) === 4 ? operationOf(x.inputs[0]) : undefined;
  return features?.isFlat ? features : operationOf(x);
}

/** @param node a FusedBatchNorm; undefined in training mode, where it depends on the batch. */
function readFused(node: GraphNode): Match | undefined {
  const [, ...parts] = node.inputs;
  const input = normalisedBy(node);
  const [scale, offset, mean, variance] = parts.map(variableOf);
  const isInference = node.attributes.get('is_training')?.b === false;
  if (!isInference || !isNhwc(node) || !input || !scale || !offset || !mean || !variance) return undefined;
  const epsilon = node.attributes.get('epsilon')?.f ?? 1e-4;
  return match({ input, variables: { scale, offset, mean, variance }, epsilon });
}

function readUnfused(sum: GraphNode): Match | undefined {
  const found = unfusedBatchNorm(sum);
  return found && match(found);
}

export const formats: LayerFormats<BatchNormAttributes> = {
  layer: batchNorm,
  keras: {
    write: ({ attributes: { epsilon } }) => ({
      className: 'BatchNormalization',
      config: { axis: -1, epsilon, momentum: 0.9, center: true, scale: true },
      weights: { gamma: 'scale', beta: 'offset', moving_mean: 'mean', moving_variance: 'variance' },
    }),
    read: {
      BatchNormalization: {
        weights({ scale, center }) {
          const trained = [scale !== false && 'gamma', center !== false && 'beta'];
          return [...trained.filter((name) => name !== false), 'moving_mean', 'moving_variance'];
        },
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          expectLastAxis(reading, input.shape.length);
          const parts = {
            epsilon: Number(layer.config.epsilon ?? 1e-3),
            scale: weight('gamma'),
            offset: weight('beta'),
            mean: required(reading, 'moving_mean'),
            variance: required(reading, 'moving_variance'),
          };
          return addBatchNorm(builder, input, parts, layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs, variable }) {
      const constants = graph.constants(layer.name, ['scale', 'offset', 'mean', 'variance'], variable);
      const epsilon = { float: layer.attributes.epsilon };
      return graph.add('BatchNormalization', [...inputs, ...constants], layer.name, { epsilon });
    },
    read: {
      BatchNormalization: {
        read(reading) {
          const value = reading.channelsFirst();
          reading.expect({ training_mode: { value: reading.int('training_mode', 0), allowed: 0 } });
          const parts = {
            epsilon: shortestDecimal(reading.float('epsilon', 1e-5)),
            scale: reading.required(1),
            offset: reading.required(2),
            mean: reading.required(3),
            variance: reading.required(4),
          };
          return reading.maps(addBatchNorm(reading.builder, value, parts, reading.where));
        },
      },
    },
  },
  // LiteRT has no batch normalisation; written as x * factor + shift.
  tflite: {
    write({ graph, layer, inputs, variable }) {
      const valuesOf = (name: string) => (variable(name) as Tensor).values;
      const [offset, mean, variance] = ['offset', 'mean', 'variance'].map(valuesOf) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      const { epsilon } = layer.attributes;
      const factors = valuesOf('scale').map(
        (one, channel) => one / Math.sqrt((variance[channel] as number) + epsilon),
      );
      const shifts = offset.map(
        (one, channel) => one - (mean[channel] as number) * (factors[channel] as number),
      );
      const shape = [factors.length];
      const factor = graph.constant(`${layer.name}/factor`, { shape, values: factors });
      const shift = graph.constant(`${layer.name}/shift`, { shape, values: shifts });
      const multiply = { code: 18, version: 1, options: 21 };
      const scaled = graph.add(multiply, [...inputs, factor], `${layer.name}/scaled`, layer.outputShape);
      return graph.add({ code: 0, version: 1, options: 11 }, [scaled, shift], layer.name, layer.outputShape);
    },
  },
  pyTorch: {
    scale: { name: 'weight' },
    offset: { name: 'bias' },
    mean: { name: 'running_mean' },
    variance: { name: 'running_var' },
  },
  tensorflow: {
    write({ graph, layer, inputs: [input], variables }) {
      const { scale, offset, mean, variance } = variables as Record<BatchNormPart, string>;
      const isMaps = layer.inputShape.length === 3;
      const [features] = layer.inputShape as [number];
      // FusedBatchNorm takes maps only.
      const maps = isMaps ? input : graph.reshape(input, [1, 1, features]);
      const normalised = graph.add('FusedBatchNorm', [maps, scale, offset, mean, variance], {
        attributes: {
          epsilon: attribute.float(layer.attributes.epsilon),
          is_training: attribute.bool(false),
        },
        ...(!isMaps && { shape: [1, 1, features] }),
      });
      return isMaps ? normalised : graph.reshape(normalised, [features]);
    },
    read: {
      FusedBatchNorm: readFused,
      FusedBatchNormV2: readFused,
      FusedBatchNormV3: readFused,
      Add: readUnfused,
      AddV2: readUnfused,
    },
  },
};
