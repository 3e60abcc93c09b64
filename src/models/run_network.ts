import type { LayerSummary, NetworkPlan, Scope, TrainingPass } from '../layers/index.ts';
import { tf } from '../tensors/tf.ts';

/** Computes the layers in order. @returns the output of the last, the logits. */
export function runNetwork(
  plan: NetworkPlan,
  scope: Scope,
  pictures: tf.Tensor,
  training: TrainingPass | undefined,
): tf.Tensor2D {
  const constant = training ? constantLayers(plan.layers, scope) : new Set<string>();
  const outputs = new Map<string, tf.Tensor>();
  let output = pictures;
  for (const [index, step] of plan.planned.entries()) {
    const { name, inputs: names } = step.summary;
    const read = names.map((input) => outputs.get(input) as tf.Tensor);
    const inputs = read.length > 0 ? read : [pictures];
    output = constant.has(name) ? withoutGradient(() => scope.run(step, inputs)) : scope.run(step, inputs);
    outputs.set(name, output);
    for (const input of names)
      if (constant.has(input) && isLastReader(plan.layers, index, input)) outputs.get(input)?.dispose();
  }
  return output as tf.Tensor2D;
}

/** The layers that training does not change: neither they nor anything they read learns. */
function constantLayers(layers: LayerSummary[], { variables }: Scope): Set<string> {
  const constant = new Set<string>();
  for (const { name, inputs, variables: own } of layers) {
    const learns = own.some((variable) => variables.has(variable.name));
    if (!learns && inputs.every((input) => constant.has(input))) constant.add(name);
  }
  return constant;
}

/** Computes a tensor that has no gradient, so that the engine keeps nothing for the backward pass. */
function withoutGradient(compute: () => tf.Tensor): tf.Tensor {
  return tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }))();
}

function isLastReader(layers: LayerSummary[], index: number, input: string): boolean {
  return layers.findLastIndex(({ inputs }) => inputs.includes(input)) === index;
}
