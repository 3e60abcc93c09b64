import { required, withBias } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Reading } from '../../formats/onnx/reading.ts';
import {
  type GraphNode,
  type Match,
  operationOf,
  type Variable,
  variableOf,
} from '../../formats/tensorflow/meanings.ts';
import { withBiases } from '../../formats/tensorflow/reading.ts';
import { addBiases } from '../../formats/tensorflow/writing.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { rowsToChw, rowsToHwc, type Tensor, transpose } from '../../tensors/tensors.ts';
import { addConv } from '../conv/formats.ts';
import { type FullyConnectedAttributes, fullyConnected } from './layer.ts';

const zeros = (length: number): Tensor => ({ shape: [length], values: new Float32Array(length) });

/** @param weights [in, out] */
export function addFullyConnected(
  builder: NetworkBuilder,
  { chwOf, ...input }: Value,
  { weights, biases }: { weights: Tensor; biases?: Tensor | undefined },
  where: string,
): Value {
  const [inputs, outputs] = weights.shape as [number, number];
  if (weights.shape.length !== 2)
    builder.fail(where, `has weights of shape [${weights.shape}]; a fully connected layer's have two axes`);
  if (input.shape.length !== 1 || input.shape[0] !== inputs)
    builder.fail(where, `needs ${inputs} features, but its input is [${input.shape}]`);
  const tensors = {
    weights: chwOf ? rowsToHwc(weights, chwOf) : weights,
    biases: biases ?? zeros(outputs),
  };
  return builder.add(fullyConnected, [input], { outputs }, tensors, where);
}

/** @param node a MatMul. */
function readMatMul({ attributes, inputs }: GraphNode, biases?: Variable): Match | undefined {
  const [input, weights] = [operationOf(inputs[0]), variableOf(inputs[1])];
  if (attributes.get('transpose_a')?.b || !input || !weights) return undefined;
  const isTransposed = attributes.get('transpose_b')?.b === true;
  if (biases && biases.shape[0] !== weights.shape.at(isTransposed ? 0 : -1)) return undefined;
  return {
    inputs: [input],
    variables: { weights, biases },
    isFlat: true,
    make({ builder, where, tensors }, [x]) {
      const loaded = tensors as { weights: Tensor; biases?: Tensor };
      const matrix = isTransposed ? transpose(loaded.weights) : loaded.weights;
      return addFullyConnected(builder, x, { weights: matrix, biases: loaded.biases }, where);
    },
  };
}

export const formats: LayerFormats<FullyConnectedAttributes> = {
  layer: fullyConnected,
  keras: {
    write: ({ attributes: { outputs } }) => ({
      className: 'Dense',
      config: { units: outputs, activation: 'linear', use_bias: true },
      weights: { kernel: 'weights', bias: 'biases' },
    }),
    read: {
      Dense: {
        weights: withBias('kernel'),
        read(reading, [input]) {
          const { builder, layer, weight } = reading;
          const [weights, biases] = [required(reading, 'kernel'), weight('bias')];
          if (input.shape.length === 1)
            return addFullyConnected(builder, input, { weights, biases }, layer.name);
          // Of maps it computes each pixel alone, as a convolution of one pixel does.
          const kernel = { shape: [1, 1, ...weights.shape], values: weights.values };
          const convolution = { kernel, biases, strides: [1, 1], padding: 'valid' as const };
          return addConv(builder, input, convolution, layer.name);
        },
      },
    },
  },
  onnx: {
    write({ graph, layer, inputs, variable, maps }) {
      const weights = variable('weights') as Tensor;
      const rows = maps ? rowsToChw(weights, maps) : weights;
      const matrix = graph.weights(`${layer.name}/weights`, rows, 1);
      const constants = [matrix, ...graph.constants(layer.name, ['biases'], variable)];
      return graph.add('Gemm', [...inputs, ...constants], layer.name);
    },
    read: {
      Gemm: {
        read(reading) {
          reading.expect({
            alpha: { value: reading.float('alpha', 1), allowed: 1 },
            beta: { value: reading.float('beta', 1), allowed: 1 },
            transA: { value: reading.int('transA', 0), allowed: 0 },
          });
          const matrix = reading.required(1);
          if (matrix.shape.length !== 2)
            reading.fail(`has weights of shape [${matrix.shape}] instead of two axes`);
          const weights = reading.int('transB', 0) === 1 ? transpose(matrix) : matrix;
          const tensors = { weights, biases: reading.constant(2) };
          const { value } = reading.operand();
          return reading.like(addFullyConnected(reading.builder, value, tensors, reading.where));
        },
      },
      // Its biases are the constant that the next node adds, if it adds one.
      MatMul: {
        read(reading) {
          const tensors = { weights: reading.required(1), biases: biasesOfNext(reading) };
          const { value } = reading.operand();
          return reading.like(addFullyConnected(reading.builder, value, tensors, reading.where));
        },
        takesNext: (reading) => biasesOfNext(reading) !== undefined,
      },
    },
  },
  tflite: {
    write({ graph, layer, inputs, variable }) {
      const matrix = transpose(variable('weights') as Tensor);
      // The operator's version for int8 weights with a single scale is 3.
      const operator = { code: 9, version: graph.weightType === 'int8' ? 3 : 1, options: 8 };
      const constants = [
        graph.weights(`${layer.name}/weights`, matrix),
        graph.biases(`${layer.name}/biases`, variable('biases'), layer.attributes.outputs),
      ];
      return graph.add(operator, [...inputs, ...constants], layer.name, layer.outputShape);
    },
  },
  // PyTorch flattens maps channel by channel.
  pyTorch: {
    weights: {
      name: 'weight',
      toPyTorch: (tensor, maps) => transpose(maps ? rowsToChw(tensor, maps) : tensor),
      fromPyTorch(tensor, maps) {
        if (tensor.shape.length !== 2)
          throw new RangeError(`has the shape [${tensor.shape}] instead of two axes`);
        const [, inputs] = tensor.shape;
        const fits = maps === undefined || sizeOf(maps) === inputs;
        if (!fits)
          throw new RangeError(
            `has the shape [${tensor.shape}], which does not fit flattened maps of shape [${maps}]`,
          );
        return maps ? rowsToHwc(transpose(tensor), maps) : transpose(tensor);
      },
    },
    biases: { name: 'bias' },
  },
  tensorflow: {
    write({ graph, inputs: [input], variables }) {
      const { weights, biases } = variables as { weights: string; biases?: string };
      const product = graph.add('MatMul', [input, weights]);
      return addBiases(graph, product, biases);
    },
    read: withBiases('MatMul', readMatMul),
  },
};

function biasesOfNext(reading: Reading): Tensor | undefined {
  return reading.next?.op_type === 'Add' ? reading.constantOfNext() : undefined;
}
