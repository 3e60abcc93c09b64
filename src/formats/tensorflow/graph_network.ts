import { reason, UserError } from '../../errors.ts';
import { sizeOf } from '../../tensors/shape.ts';
import type { Tensor } from '../../tensors/tensors.ts';
import { quoted } from '../../text/quoted.ts';
import { damaged } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { type Metadata, metadataKey, readMetadata } from '../metadata.ts';
import { NetworkBuilder, type Value } from '../network_builder.ts';
import { type AdamState, adamOf, stepsBy, variablesOf } from './adam.ts';
import { openBundle } from './bundle/read.ts';
import { ConstantReader } from './constants.ts';
import { inlineFunctions } from './inline_functions.ts';
import { type Interpretation, interpretGraph } from './interpret_graph.ts';
import type { Operation, Variable } from './meanings.ts';
import type { GraphDef, NodeDef } from './messages.ts';
import { saverKeys } from './saver_keys.ts';

export interface GraphSource {
  graph: GraphDef;
  /** The path before .index and .data-00000-of-00001; absent: the graph holds all weights itself. */
  prefix?: string;
  /** The graph's file, for messages. */
  file: string;
  /** The order of colours of its input. */
  order: 'rgb' | 'bgr';
  /** Its input is a pixel, 0..255, times this, where the format has such a custom. */
  scale?: number;
  hints: ImportHints;
}

/**
 * The network of a graph, from the pictures' placeholder to the logits, with the variables that its Saver restores and,
 * where Adam trained them, their moments.
 * @throws {UserError} where it is damaged, or has operations that bat-sup has no layer for.
 */
export async function networkOfGraph(source: GraphSource): Promise<Network> {
  const { file, prefix } = source;
  const nodes = inlined(source.graph, file);
  const metadata = metadataIn(source.graph, file);
  const bundle = prefix === undefined ? undefined : await openBundle(prefix);
  const keys = saverKeys(nodes);
  const keyOf = ({ name }: Variable) => keys.get(name) ?? name;
  const constants = new ConstantReader(file);
  const read: Read = async (variable) => {
    if (variable.tensor) return constants.read(variable, variable.tensor);
    if (bundle) return bundle.read(keyOf(variable), variable);
    return damaged(file, `the values of ${quoted(variable.name)} are missing`);
  };
  const { operations, meanings, ...found } = interpretGraph(nodes);
  const steps = stepsTo(outputOf(found, { metadata, file }), operations);
  const parts = { steps, metadata, source };
  const network = await build({ ...parts, read: (variable) => readScaled(variable, read) });
  const adam = adamOf(nodes, meanings);
  // Many checkpoints hold the weights alone.
  const isSaved = adam && variablesOf(adam).every((variable) => bundle?.has(keyOf(variable)));
  return isSaved ? { ...network, optimizer: await readMoments(adam, { ...parts, read }) } : network;
}

function inlined(graph: GraphDef, file: string): NodeDef[] {
  try {
    return inlineFunctions(graph);
  } catch (error) {
    return damaged(file, reason(error));
  }
}

type Read = (variable: Variable) => Promise<Tensor>;

/** Weights that were rounded to int8 are two variables: the integers and their scales. */
async function readScaled(variable: Variable, read: Read): Promise<Tensor> {
  const { shape, values } = await read(variable);
  if (!variable.scale) return { shape, values };
  const { values: scales } = await read(variable.scale);
  return { shape, values: values.map((value, index) => value * (scales[index % scales.length] as number)) };
}

/** The moments have the variables' shapes and are read into layers as these are; variables that Adam does not train have none. */
async function readMoments(adam: AdamState, { read, ...parts }: Parts) {
  const step = stepsBy((await read(adam.beta2Power)).values[0] as number);
  const moments = async (moment: 'm' | 'v') => {
    const readMoment: Read = (variable) => {
      const slot = adam.slots.get(variable.name)?.[moment];
      return slot ? read(slot) : Promise.resolve(zeros(variable.shape));
    };
    return (await build({ ...parts, read: readMoment })).weights;
  };
  return { step, m: await moments('m'), v: await moments('v') };
}

const zeros = (shape: number[]): Tensor => ({ shape, values: new Float32Array(sizeOf(shape)) });

/** The metadata that bat-sup itself wrote into the graph. */
function metadataIn({ node }: GraphDef, file: string): Metadata | undefined {
  const found = node.find(({ name, op }) => name === metadataKey && op === 'Const');
  const value = found?.attr.find(({ key }) => key === 'value')?.value?.tensor;
  const [text] = value?.string_val ?? [];
  return readMetadata(text && Buffer.from(text).toString(), file);
}

/** The operation that no other reads: the logits, or a copy of them that reads the same variables. */
function outputOf(
  { ends: all, hindrances }: Pick<Interpretation, 'ends' | 'hindrances'>,
  { metadata, file }: { metadata: Metadata | undefined; file: string },
): Operation {
  const [hindrance] = hindrances;
  if (hindrance)
    throw new UserError(
      `${file} cannot be imported: ${quoted(hindrance.node)} is a ${quoted(hindrance.op)}, which bat-sup has no layer for.`,
    );
  // bat-sup's own graphs divide the logits by the temperature, and compute sigmoids where classes do not exclude each other.
  const beforeSigmoid = (end: Operation) =>
    (metadata?.isMultiLabel && /^Sigmoid(_\d+)?$/.test(end.node) && end.inputs[0]) || end;
  const beforeDivision = (end: Operation) =>
    (metadata && end.preprocessing === 'multiply' && end.inputs[0]) || end;
  const logits = all.map((end) => beforeDivision(beforeSigmoid(end)));
  const withWeights = (weights: typeof weightsOf) => logits.filter((end) => end.isFlat && weights(end));
  const own = withWeights(weightsOf);
  // Some networks, such as SqueezeNet, have an activation and an average after their last weights.
  const weights = own.length > 0 ? weightsOf : weightsBefore;
  const ends = withWeights(weights);
  const variables = new Set(ends.map(weights));
  const [end] = ends;
  if (!end)
    throw new UserError(
      `${file} cannot be imported: no logits follow from a placeholder of pictures in its graph.`,
    );
  if (variables.size > 1)
    throw new UserError(
      `${file} cannot be imported: it has several outputs, ${ends
        .slice(0, 3)
        .map(({ node }) => quoted(node))
        .join(', ')}.`,
    );
  return end;
}

/** The name of an operation's weights, or of the layer's whose logits it only reshapes. */
function weightsOf(operation: Operation): string | undefined {
  for (let one: Operation | undefined = operation; one; one = one.inputs[0]) {
    const [weights] = Object.values(one.variables ?? {});
    if (weights || !one.keepsLogits) return weights?.name;
  }
  return undefined;
}

/** The name of the weights that an operation has, or else the last before it. */
function weightsBefore(operation: Operation): string | undefined {
  for (let one: Operation | undefined = operation; one; one = one.inputs[0]) {
    const [weights] = Object.values(one.variables ?? {});
    if (weights) return weights.name;
  }
  return undefined;
}

/** An operation and all that lead to it, in the order of the graph. */
function stepsTo(output: Operation, operations: Operation[]): Operation[] {
  const needed = new Set<Operation>([output]);
  for (const operation of needed) for (const input of operation.inputs) needed.add(input);
  return operations.filter((operation) => needed.has(operation));
}

/** TensorFlow merges equal constants; a file must not claim large weights for many layers. */
const maxShared = 2 ** 16;

interface Parts {
  steps: Operation[];
  metadata: Metadata | undefined;
  source: GraphSource;
  read: Read;
}

async function build({ steps, metadata, source, read }: Parts): Promise<Network> {
  const builder = new NetworkBuilder(source.file, source.hints);
  const used = new Set<string>();
  const values = new Map<Operation, Value>();
  for (const step of steps) {
    const where = quoted(step.node);
    const tensors: Record<string, Tensor> = {};
    for (const [name, variable] of Object.entries(step.variables ?? {})) {
      if (!variable) continue;
      const isShort = variable.tensor && sizeOf(variable.shape) <= maxShared;
      if (used.has(variable.name) && !isShort)
        builder.fail(where, `shares ${quoted(variable.name)} with another layer`);
      used.add(variable.name);
      tensors[name] = await read(variable);
    }
    const inputs = step.inputs.map((input) => values.get(input)) as [Value, ...Value[]];
    values.set(step, step.make({ builder, where, tensors }, inputs));
  }
  const [pictures, output] = [[...values.values()][0], values.get(steps.at(-1) as Operation)] as [
    Value,
    Value,
  ];
  const { scale, order } = source;
  return builder.finish(pictures, output, metadata, { scale, order });
}
