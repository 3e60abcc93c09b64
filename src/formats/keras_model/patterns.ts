import { addActivation } from '../../layers/activation/formats.ts';
import { isObject } from './calls.ts';
import type { KerasClass, KerasLayer } from './layer_format.ts';
import { constantOf } from './operations.ts';

/** What several of Keras's operations compute together. */
type Pattern = (layer: KerasLayer, byName: Map<string, KerasLayer>) => KerasLayer | undefined;

const isNear = (value: number | undefined, wanted: number) =>
  value !== undefined && Math.abs(value - wanted) < 1e-6;

/** The layer that this arithmetic reads, where it is with this one number. */
function operandOf(layer: KerasLayer | undefined, arithmetic: string, wanted: number): string | undefined {
  if (layer?.className !== 'Arithmetic' || layer.config.arithmetic !== arithmetic) return undefined;
  const { numbers = [] } = constantOf(layer) ?? {};
  return numbers.length === 1 && isNear(numbers[0], wanted) ? layer.inputs[0] : undefined;
}

const isRelu6 = ({ className, config }: KerasLayer) =>
  (className === 'ReLU' && config.max_value === 6 && !config.negative_slope && !config.threshold) ||
  (className === 'Activation' && config.activation === 'relu6');

/** A Rescaling of one number, the other of which changes nothing, as the arithmetic that it is. */
const rescaling: Pattern = (layer) => {
  const { scale, offset = 0 } = layer.config;
  if (layer.className !== 'Rescaling' || (scale !== 1 && offset !== 0)) return undefined;
  const [arithmetic, value] = scale === 1 ? ['add', offset] : ['multiply', scale];
  const [input = ''] = layer.inputs;
  return {
    ...layer,
    className: 'Arithmetic',
    config: { arithmetic },
    operands: [{ layer: input }, { value }],
  };
};

/** relu6(x + 3) / 6, as MobileNetV3 spells it. */
const hardSigmoid: Pattern = (layer, byName) => {
  const relu6 = byName.get(operandOf(layer, 'multiply', 1 / 6) ?? operandOf(layer, 'divide', 6) ?? '');
  const shifted = relu6 && isRelu6(relu6) ? byName.get(relu6.inputs[0] ?? '') : undefined;
  const input = operandOf(shifted, 'add', 3);
  return input === undefined
    ? undefined
    : { ...layer, className: 'HardSigmoid', config: {}, inputs: [input] };
};

/** x * hardSigmoid(x) */
const hardSwish: Pattern = (layer, byName) => {
  const [one, other, ...rest] = layer.inputs;
  if (layer.className !== 'Multiply' || one === undefined || other === undefined || rest.length > 0)
    return undefined;
  const isGate = (gate: string, x: string) => {
    const { className, inputs } = byName.get(gate) ?? {};
    return className === 'HardSigmoid' && inputs?.[0] === x;
  };
  const input = isGate(other, one) ? one : isGate(one, other) ? other : undefined;
  return input === undefined ? undefined : { ...layer, className: 'HardSwish', config: {}, inputs: [input] };
};

/** The channel that an operation takes from its input: x[..., 2]. */
function channelOf(layer: KerasLayer | undefined): number | undefined {
  if (layer?.className !== 'GetItem') return undefined;
  const [, index] = layer.operands ?? [];
  const key = index && 'value' in index ? index.value : undefined;
  if (!Array.isArray(key) || key.length !== 2 || !isObject(key[0])) return undefined;
  return key[0].class_name === '__ellipsis__' ? Number(key[1]) : undefined;
}

/** x[..., 2], x[..., 1] and x[..., 0] side by side: Keras 3's preprocess_input spells BGR so. */
const reversal: Pattern = (layer, byName) => {
  if (layer.className !== 'Stack' || layer.config.axis !== -1) return undefined;
  const channels = layer.inputs.map((name) => byName.get(name));
  const isReversed = channels.map(channelOf).join() === '2,1,0';
  const inputs = [...new Set(channels.flatMap((one) => one?.inputs ?? []))];
  return isReversed && inputs.length === 1
    ? { ...layer, className: 'Reversal', config: {}, inputs }
    : undefined;
};

/** The layers that patterns become; they are no classes of Keras, whose hard_sigmoid meant something else before Keras 3. */
export const patternClasses: Record<string, KerasClass> = {
  HardSigmoid: {
    read: ({ builder, layer }, [x]) => addActivation(builder, x, { function: 'hardSigmoid' }, layer.name),
  },
  HardSwish: {
    read: ({ builder, layer }, [x]) => addActivation(builder, x, { function: 'hardSwish' }, layer.name),
  },
  Reversal: { read: ({ builder, layer }, [x]) => builder.reverseChannels(x, layer.name) },
};

/** Replaces the last of the operations that compute something together by one layer. */
export function recognisePatterns<L extends KerasLayer>(layers: L[]): L[] {
  const byName = new Map<string, KerasLayer>(layers.map((layer) => [layer.name, layer]));
  for (const pattern of [rescaling, hardSigmoid, hardSwish, reversal])
    for (const layer of layers) {
      const found = pattern(byName.get(layer.name) as KerasLayer, byName);
      if (found) byName.set(layer.name, found);
    }
  return layers.map((layer) => ({ ...layer, ...byName.get(layer.name) }));
}
