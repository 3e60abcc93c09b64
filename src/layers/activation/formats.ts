import type { ActivationAttributes } from '../../engine/kernels/activation/operation.ts';
import type { Written } from '../../formats/keras_model/layer_format.ts';
import { expect } from '../../formats/keras_model/reading.ts';
import type { LayerFormats } from '../../formats/layer_formats.ts';
import type { NetworkBuilder, Value } from '../../formats/network_builder.ts';
import type { Item, Reading } from '../../formats/onnx/reading.ts';
import { attribute, constant } from '../../formats/tensorflow/attributes.ts';
import type { LayerGraph } from '../../formats/tensorflow/layer_format.ts';
import { type GraphNode, type Match, operationOf } from '../../formats/tensorflow/meanings.ts';
import { shortestDecimal } from '../../text/shortest_decimal.ts';
import { activation } from './layer.ts';
import { gatedInput } from './tensorflow_gates.ts';

export function addActivation(
  builder: NetworkBuilder,
  input: Value,
  attributes: ActivationAttributes,
  where: string,
): Value {
  return builder.add(activation, [input], attributes, {}, where);
}

/** The values of Keras's setting `activation`. TensorFlow.js lacks hard swish. */
const kerasActivations: Record<string, ActivationAttributes> = {
  relu: { function: 'relu' },
  relu6: { function: 'relu6' },
  sigmoid: { function: 'sigmoid' },
  swish: { function: 'swish' },
  silu: { function: 'swish' },
  hard_swish: { function: 'hardSwish' },
  hard_silu: { function: 'hardSwish' },
};

/** What Keras 3 has, and TensorFlow.js lacks or has with another meaning: its hard_sigmoid is clip(0.2 x + 0.5, 0, 1). */
const kerasThreeNames: Partial<Record<ActivationAttributes['function'], string>> = {
  hardSigmoid: 'hard_sigmoid',
  hardSwish: 'hard_swish',
};

/** relu6(x + 3) / 6, and for hard swish x times that. */
function gatesInTfjs(activation: string): NonNullable<Written['inTfjs']> {
  return ({ name, inputs }) => {
    const layer = (className: string, part: string, config: object, read: string[]) => ({
      className,
      name: part,
      config: { ...config },
      inputs: read,
    });
    const gate = activation === 'hard_swish' ? `${name}_gate` : name;
    const gates = [
      layer('Rescaling', `${name}_shifted`, { scale: 1, offset: 3 }, inputs),
      layer('ReLU', `${name}_clipped`, { max_value: 6 }, [`${name}_shifted`]),
      layer('Rescaling', gate, { scale: 1 / 6, offset: 0 }, [`${name}_clipped`]),
    ];
    return gate === name ? gates : [...gates, layer('Multiply', name, {}, [...inputs, gate])];
  };
}

function writeKeras({ function: name, alpha = 0 }: ActivationAttributes): Written {
  if (name === 'leakyRelu') return { className: 'LeakyReLU', config: { alpha } };
  const activation = kerasThreeNames[name];
  if (!activation) return { className: 'Activation', config: { activation: name } };
  return { className: 'Activation', config: { activation }, inTfjs: gatesInTfjs(activation) };
}

function readOnnx(reading: Reading, attributes: ActivationAttributes): Item {
  return reading.like(addActivation(reading.builder, reading.operand().value, attributes, reading.where));
}

/** Whether the next node multiplies this node's output by its input: x * sigmoid(x). */
function isMultipliedByInput({ node, next }: Reading): boolean {
  const [input, output] = [node.input[0], node.output[0]];
  return next?.op_type === 'Mul' && [input, output].every((name) => next.input.includes(name as string));
}

/** The limits of a Clip; infinite where it has none. */
function limitsOf(reading: Reading): [number, number] {
  const limit = (index: number, name: string, otherwise: number) =>
    reading.constant(index)?.values[0] ?? reading.float(name, otherwise);
  return [limit(1, 'min', Number.NEGATIVE_INFINITY), limit(2, 'max', Number.POSITIVE_INFINITY)];
}

const clips: Record<string, ActivationAttributes> = {
  '0,6': { function: 'relu6' },
  '0,Infinity': { function: 'relu' },
};

function readTensorFlow(read: GraphNode | undefined, attributes: ActivationAttributes): Match | undefined {
  const input = operationOf(read);
  const make: Match['make'] = ({ builder, where }, [x]) => addActivation(builder, x, attributes, where);
  return input && { inputs: [input], make };
}

const alphaOf = ({ attributes }: GraphNode) => shortestDecimal(attributes.get('alpha')?.f ?? 0.2);

/** x multiplied by a function of x. */
function readGated(node: GraphNode): Match | undefined {
  const found = gatedInput(node);
  return found && readTensorFlow(found.input, { function: found.function });
}

function shiftedRelu6(graph: LayerGraph, input: string): string {
  const shifted = graph.add('Add', [input, graph.constant('shift', constant.float(3))], { name: 'add' });
  return graph.add('Relu6', [shifted]);
}

const sixth = (graph: LayerGraph) => graph.constant('sixth', constant.float(1 / 6));

export const formats: LayerFormats<ActivationAttributes> = {
  layer: activation,
  keras: {
    write: ({ attributes }) => writeKeras(attributes),
    read: {
      ReLU: {
        read(reading, [input]) {
          const { builder, layer } = reading;
          const { max_value: max = null, negative_slope: slope = 0 } = layer.config;
          expect(reading, {
            max_value: [null, 6],
            threshold: [0],
            ...(max !== null && { negative_slope: [0] }),
          });
          if (slope)
            return addActivation(builder, input, { function: 'leakyRelu', alpha: Number(slope) }, layer.name);
          return addActivation(builder, input, { function: max !== null ? 'relu6' : 'relu' }, layer.name);
        },
      },
      LeakyReLU: {
        read({ builder, layer }, [input]) {
          const alpha = Number(layer.config.negative_slope ?? layer.config.alpha ?? 0.3);
          return addActivation(builder, input, { function: 'leakyRelu', alpha }, layer.name);
        },
      },
    },
    activations: kerasActivations,
    // Before Keras 3, hard_sigmoid was clip(0.2 x + 0.5, 0, 1), that is clip(1.2 x / 6 + 0.5, 0, 1).
    activationsOfKeras3: { hard_sigmoid: { attributes: { function: 'hardSigmoid' }, factorBefore: 1.2 } },
  },
  onnx: {
    write({ graph, layer: { name, attributes }, inputs }) {
      const limit = (which: string, value: number) =>
        graph.constant(`${name}/${which}`, { shape: [], values: Float32Array.of(value) });
      switch (attributes.function) {
        case 'relu':
          return graph.add('Relu', inputs, name);
        case 'relu6':
          return graph.add('Clip', [...inputs, limit('min', 0), limit('max', 6)], name);
        case 'sigmoid':
          return graph.add('Sigmoid', inputs, name);
        case 'swish':
          return graph.add('Mul', [...inputs, graph.add('Sigmoid', inputs, `${name}/sigmoid`)], name);
        case 'hardSigmoid':
          return graph.add('HardSigmoid', inputs, name, { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
        case 'hardSwish':
          return graph.add('HardSwish', inputs, name);
        case 'leakyRelu':
          return graph.add('LeakyRelu', inputs, name, { alpha: { float: attributes.alpha as number } });
      }
    },
    read: {
      Relu: { read: (reading) => readOnnx(reading, { function: 'relu' }) },
      Clip: {
        read(reading) {
          const clip = clips[String(limitsOf(reading))];
          return clip && readOnnx(reading, clip);
        },
      },
      Sigmoid: {
        read: (reading) =>
          readOnnx(reading, { function: isMultipliedByInput(reading) ? 'swish' : 'sigmoid' }),
        takesNext: isMultipliedByInput,
      },
      // x * hardSigmoid(x) is how hard swish was written before ONNX had the operator HardSwish.
      HardSigmoid: {
        read(reading) {
          const [slope, shift] = [reading.float('alpha', 0.2), reading.float('beta', 0.5)];
          if (Math.fround(slope) !== Math.fround(1 / 6) || shift !== 0.5)
            reading.fail(
              `is clip(${shortestDecimal(slope)} x + ${shortestDecimal(shift)}, 0, 1); bat-sup's hardSigmoid is clip(x / 6 + 0.5, 0, 1)`,
            );
          return readOnnx(reading, { function: isMultipliedByInput(reading) ? 'hardSwish' : 'hardSigmoid' });
        },
        takesNext: isMultipliedByInput,
      },
      HardSwish: { read: (reading) => readOnnx(reading, { function: 'hardSwish' }) },
      LeakyRelu: {
        read: (reading) =>
          readOnnx(reading, { function: 'leakyRelu', alpha: shortestDecimal(reading.float('alpha', 0.01)) }),
      },
    },
  },
  tflite: {
    write({ graph, layer: { name, outputShape, attributes }, inputs }) {
      const operators = {
        relu: { code: 19, version: 1, options: 0 },
        relu6: { code: 21, version: 1, options: 0 },
        sigmoid: { code: 14, version: 1, options: 0 },
        hardSwish: { code: 117, version: 1, options: 0 },
        leakyRelu: { code: 98, version: 1, options: 75 },
      };
      const multiply = { code: 18, version: 1, options: 21 };
      if (attributes.function === 'swish') {
        const sigmoid = graph.add(operators.sigmoid, inputs, `${name}/sigmoid`, outputShape);
        return graph.add(multiply, [...inputs, sigmoid], name, outputShape);
      }
      if (attributes.function === 'hardSigmoid') {
        const number = (which: string, value: number) =>
          graph.constant(`${name}/${which}`, { shape: [], values: Float32Array.of(value) });
        const plus = { code: 0, version: 1, options: 11 };
        const shifted = graph.add(plus, [...inputs, number('3', 3)], `${name}/shifted`, outputShape);
        const clipped = graph.add(operators.relu6, [shifted], `${name}/clipped`, outputShape);
        return graph.add(multiply, [clipped, number('sixth', 1 / 6)], name, outputShape);
      }
      const operator = operators[attributes.function];
      const options =
        attributes.function === 'leakyRelu' ? [{ slot: 0, float32: attributes.alpha as number }] : [];
      return graph.add(operator, inputs, name, outputShape, options);
    },
  },
  pyTorch: {},
  tensorflow: {
    write({ graph, layer: { attributes }, inputs }) {
      const [input] = inputs;
      switch (attributes.function) {
        case 'relu':
          return graph.add('Relu', inputs);
        case 'relu6':
          return graph.add('Relu6', inputs);
        case 'sigmoid':
          return graph.add('Sigmoid', inputs);
        case 'swish':
          return graph.add('Mul', [input, graph.add('Sigmoid', inputs)], { name: 'mul' });
        case 'hardSigmoid':
          return graph.add('Mul', [shiftedRelu6(graph, input), sixth(graph)], { name: 'mul' });
        case 'hardSwish': {
          const gated = graph.add('Mul', [input, shiftedRelu6(graph, input)], { name: 'mul' });
          return graph.add('Mul', [gated, sixth(graph)], { name: 'mul' });
        }
        case 'leakyRelu':
          return graph.add('LeakyRelu', inputs, {
            attributes: { alpha: attribute.float(attributes.alpha as number) },
          });
      }
    },
    read: {
      Relu: (node) => readTensorFlow(node.inputs[0], { function: 'relu' }),
      // What TensorFlow's optimizer makes of hard swish.
      _FusedHardSwish: (node) => readTensorFlow(node.inputs[0], { function: 'hardSwish' }),
      Relu6: (node) => readTensorFlow(node.inputs[0], { function: 'relu6' }),
      Sigmoid: (node) => readTensorFlow(node.inputs[0], { function: 'sigmoid' }),
      LeakyRelu: (node) => readTensorFlow(node.inputs[0], { function: 'leakyRelu', alpha: alphaOf(node) }),
      Mul: readGated,
      RealDiv: readGated,
    },
  },
};
