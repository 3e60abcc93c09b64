import {
  type NormConvActivation,
  type NormConvInputs,
  normConv,
} from '../engine/kernels/norm_conv/operation.ts';
import type { LayerSummary, NetworkPlan, PlannedLayer, Scope, TrainingPass } from '../layers/index.ts';
import { tf } from '../tensors/tf.ts';
import { type Front, frontOf } from './front.ts';
import { type Group, groupLayers } from './norm_conv_groups.ts';

/** A network's layers in the order and the groups in which they are computed. */
export interface NetworkProgram {
  scope: Scope;
  groups: Group[];
  /** The layers that training does not change: neither they nor anything they read learns. */
  constant: ReadonlySet<string>;
  /** The first of these, which are computed together. */
  front: Front | undefined;
  /** By layer, the index of the last group that reads it. */
  lastReader: ReadonlyMap<string, number>;
}

/** @param scope has the network's variables. */
export function programOf(plan: NetworkPlan, scope: Scope): NetworkProgram {
  const groups = groupLayers(plan, scope);
  const lastReader = new Map<string, number>();
  for (const [index, [first]] of groups.entries())
    for (const input of first.summary.inputs) lastReader.set(input, index);
  const constant = constantLayers(plan.layers, scope);
  return { scope, groups, constant, front: frontOf(groups, constant, scope), lastReader };
}

function constantLayers(layers: LayerSummary[], scope: Scope): Set<string> {
  const constant = new Set<string>();
  for (const layer of layers)
    if (!learns(layer, scope) && layer.inputs.every((input) => constant.has(input))) constant.add(layer.name);
  return constant;
}

function learns({ variables: own }: LayerSummary, { variables }: Scope): boolean {
  return own.some(({ name }) => variables.has(name));
}

/** Computes the layers in order. @returns the output of the last, the logits. */
export function runNetwork(
  { scope, groups, constant, front, lastReader }: NetworkProgram,
  pictures: tf.Tensor4D,
  training: TrainingPass | undefined,
): tf.Tensor2D {
  const outputs = new Map<string, tf.Tensor>();
  let output: tf.Tensor = pictures;
  let start = 0;
  if (front) {
    start = front.groups;
    if (scope.isWatched) showFront(groups.slice(0, start), scope, pictures);
    output = withoutGradient(() => front.forward(pictures));
    output = training?.output?.(front.last, output) ?? output;
    outputs.set(front.last, output);
  }
  for (const [index, group] of groups.entries()) {
    if (index < start) continue;
    const names = group[0].summary.inputs;
    const read = names.map((input) => outputs.get(input) as tf.Tensor);
    const inputs = read.length > 0 ? read : [pictures];
    const { name } = (group.at(-1) as PlannedLayer).summary;
    const compute = () =>
      runGroup(
        group,
        scope,
        inputs,
        names.every((input) => constant.has(input)),
      );
    output = training && constant.has(name) ? withoutGradient(compute) : compute();
    outputs.set(name, output);
    if (!training) continue;
    // The backward pass has its own references to what it needs.
    for (const input of names)
      if (lastReader.get(input) === index && outputs.get(input) !== output) outputs.get(input)?.dispose();
  }
  return output as tf.Tensor2D;
}

/** Computes a tensor that has no gradient, so that the engine keeps nothing for the backward pass. */
function withoutGradient(compute: () => tf.Tensor): tf.Tensor {
  return tf.customGrad(() => ({ value: compute(), gradFunc: () => [] }))();
}

/** @param isConstant whether nothing that the inputs depend on learns. */
function runGroup(group: Group, scope: Scope, inputs: tf.Tensor[], isConstant: boolean): tf.Tensor {
  const [conv, norm, activation] = group;
  if (!norm) return scope.run(conv, inputs);
  const last = (activation ?? norm).summary.name;
  if (scope.isWatched) showInside(group, scope, inputs);
  const { kind, attributes } = conv.summary;
  const { weights, ...others } = { ...scope.tensorsOf(conv.summary), ...scope.tensorsOf(norm.summary) };
  const tensors = { x: inputs[0], filter: weights, ...others } as NormConvInputs & Record<string, tf.Tensor>;
  const constant = new Set<'x' | 'filter' | 'scale' | 'offset'>();
  if (isConstant) constant.add('x');
  if (!learns(conv.summary, scope)) constant.add('filter');
  if (!learns(norm.summary, scope)) constant.add('scale').add('offset');
  const options = {
    stride: attributes.stride as number,
    padding: attributes.padding as 'same' | 'valid',
    epsilon: norm.summary.attributes.epsilon as number,
    activation: (activation?.summary.attributes.function ?? 'linear') as NormConvActivation,
    isDepthwise: kind === 'depthwiseConv',
  };
  return scope.watched(last, normConv(tensors, options, constant));
}

/** Shows the outputs of all but the last layer of a group to whoever observes the pass: they are computed for that alone. */
function showInside(group: Group, scope: Scope, inputs: tf.Tensor[]): void {
  tf.dispose(
    withoutGradient(() => {
      let output = inputs;
      for (const layer of group.slice(0, -1)) output = [scope.show(layer as PlannedLayer, output)];
      return output[0] as tf.Tensor;
    }),
  );
}

/** Shows all layers that are computed together at the beginning, as {@link showInside} does. */
function showFront(groups: Group[], scope: Scope, pictures: tf.Tensor): void {
  tf.dispose(
    withoutGradient(() => {
      const outputs = new Map<string, tf.Tensor>();
      let output = pictures;
      for (const layer of groups.flat() as PlannedLayer[]) {
        const { name, inputs } = layer.summary;
        output = scope.show(
          layer,
          inputs.length > 0 ? inputs.map((input) => outputs.get(input) as tf.Tensor) : [pictures],
        );
        outputs.set(name, output);
      }
      return output;
    }),
  );
}
