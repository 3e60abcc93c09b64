import { reason, UserError } from '../../errors.ts';
import { addRelu } from '../../layers/activation/formats.ts';
import { addAddition } from '../../layers/add/formats.ts';
import { addBatchNorm } from '../../layers/batch_norm/formats.ts';
import { addConv } from '../../layers/conv/formats.ts';
import { addFlatten } from '../../layers/flatten/formats.ts';
import { addFullyConnected } from '../../layers/fully_connected/formats.ts';
import { addGlobalAveragePool } from '../../layers/global_average_pool/formats.ts';
import { addMaxPool } from '../../layers/pool/formats.ts';
import { addZeroPadding } from '../../layers/zero_padding/formats.ts';
import { sizeOf } from '../../tensors/shape.ts';
import { type Tensor, transpose } from '../../tensors/tensors.ts';
import { type About, aboutKey, readAbout } from '../about.ts';
import { damaged } from '../files.ts';
import type { ImportHints, Network } from '../format.ts';
import { NetworkBuilder, type Value } from '../network_builder.ts';
import { quoted } from '../quoted.ts';
import { type AdamState, adamOf, stepsBy, variablesOf } from './adam.ts';
import { openBundle } from './bundle/read.ts';
import { inlineFunctions } from './inline_functions.ts';
import type { Operation, Variable } from './meanings.ts';
import type { GraphDef, NodeDef } from './messages.ts';
import { type Understood, understandGraph } from './operations.ts';
import { saverKeys } from './saver_keys.ts';

export interface GraphSource {
  graph: GraphDef;
  /** What .index and .data-00000-of-00001 are added to. */
  prefix: string;
  /** The graph's file, for messages. */
  file: string;
  /** The order of colours in which it is given pixels. */
  order: 'rgb' | 'bgr';
  /** What it is given is a pixel, 0..255, times this, where that is the custom. */
  scale?: number;
  hints: ImportHints;
}

/**
 * A network as a graph of TensorFlow tells it, from the pictures' placeholder to the logits, with the variables that its
 * Saver restores and, where it was trained by Adam, Adam's moments of them.
 * @throws {UserError} where it is damaged, or has operations that bat-sup has no layer for.
 */
export async function networkOfGraph(source: GraphSource): Promise<Network> {
  const { file, prefix } = source;
  const nodes = inlined(source.graph, file);
  const told = aboutOf(source.graph, file);
  const bundle = await openBundle(prefix);
  const keys = saverKeys(nodes);
  const keyOf = ({ name }: Variable) => keys.get(name) ?? name;
  const read: Read = (variable) => bundle.read(keyOf(variable), variable);
  const understood = understandGraph(nodes);
  const steps = stepsTo(outputOf(understood, { told, file }), understood.operations);
  const parts = { steps, told, source };
  const network = await build({ ...parts, read: (variable) => readScaled(variable, read) });
  const adam = adamOf(nodes, understood.meanings);
  // Many save their weights alone.
  const isSaved = adam && variablesOf(adam).every((variable) => bundle.has(keyOf(variable)));
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

/** Rounded weights are told by two variables. */
async function readScaled(variable: Variable, read: Read): Promise<Tensor> {
  const { shape, values } = await read(variable);
  if (!variable.scale) return { shape, values };
  const { values: scales } = await read(variable.scale);
  return { shape, values: values.map((value, index) => value * (scales[index % scales.length] as number)) };
}

/** The moments are of the variables' shapes and are read into the layers as those are; what Adam does not train has none. */
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

/** What bat-sup itself has written into the graph. */
function aboutOf({ node }: GraphDef, file: string): About | undefined {
  const told = node.find(({ name, op }) => name === aboutKey && op === 'Const');
  const value = told?.attr.find(({ key }) => key === 'value')?.value?.tensor;
  const [text] = value?.string_val ?? [];
  return readAbout(text && Buffer.from(text).toString(), file);
}

/** The operation that no other reads: the logits, or a copy of them that reads the same variables. */
function outputOf(
  { ends: all, hindrances }: Understood,
  { told, file }: { told: About | undefined; file: string },
): Operation {
  const [hindrance] = hindrances;
  if (hindrance)
    throw new UserError(
      `${file} cannot be imported: ${quoted(hindrance.node)} is a ${quoted(hindrance.op)}, which bat-sup has no layer for.`,
    );
  // bat-sup's own graphs go on from the logits to calibrated probabilities.
  const logits = all.map((end) => (told && end.kind === 'multiply' ? end.inputs[0] : end));
  const ends = logits.filter(({ kind }) => kind === 'fullyConnected');
  const variables = new Set(ends.map((end) => 'weights' in end && end.weights.name));
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

/** What leads to an operation and itself, in the order of the graph. */
function stepsTo(output: Operation, operations: Operation[]): Operation[] {
  const needed = new Set<Operation>([output]);
  for (const operation of needed)
    if ('inputs' in operation) for (const input of operation.inputs) needed.add(input);
  return operations.filter((operation) => needed.has(operation));
}

interface Parts {
  steps: Operation[];
  told: About | undefined;
  source: GraphSource;
  read: Read;
}

async function build({ steps, told, source, read }: Parts): Promise<Network> {
  const builder = new NetworkBuilder(source.file, source.hints);
  const used = new Set<string>();
  const load: Load = async (variable, where) => {
    if (used.has(variable.name)) builder.fail(where, `shares ${quoted(variable.name)} with another layer`);
    used.add(variable.name);
    return read(variable);
  };
  const values = new Map<Operation, Value>();
  for (const step of steps) {
    const inputs = 'inputs' in step ? step.inputs.map((input) => values.get(input) as Value) : [];
    values.set(step, await makeLayer(step, inputs, { builder, load }));
  }
  const [pictures, output] = [[...values.values()][0], values.get(steps.at(-1) as Operation)] as [
    Value,
    Value,
  ];
  const network = builder.finish(pictures, output, told, { scale: source.scale });
  return {
    ...network,
    preprocessing: { ...network.preprocessing, order: orderOf(steps, network, source) },
  };
}

/** The short number that a float32 was written as: 0.001 rather than 0.0010000000474974513. */
function asWritten(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.fround(short) === Math.fround(value) ? short : value;
}

type Load = (variable: Variable, where: string) => Promise<Tensor>;

async function makeLayer(
  step: Operation,
  inputs: Value[],
  { builder, load }: { builder: NetworkBuilder; load: Load },
): Promise<Value> {
  const where = quoted(step.node);
  const [input] = inputs as [Value];
  switch (step.kind) {
    case 'pictures':
      return builder.pictures(where, step.shape);
    case 'reverse':
      return input;
    case 'multiply':
      return builder.rescale(input, step.factor ?? Number.NaN, where);
    case 'normalise':
      return builder.normalise(input, step, where);
    case 'conv': {
      const kernel = await load(step.weights, where);
      const biases = step.biases && (await load(step.biases, where));
      return addConv(builder, input, { ...step, kernel, biases }, where);
    }
    case 'maxPool':
      return addMaxPool(builder, input, step, where);
    case 'zeroPadding':
      return addZeroPadding(builder, input, step.sides, where);
    case 'relu':
      return addRelu(builder, input, where);
    case 'flatten':
      return addFlatten(builder, input, 'hwc', where);
    case 'add':
      return addAddition(builder, input, inputs[1] as Value, where);
    case 'globalAveragePool':
      return addGlobalAveragePool(builder, input, where);
    case 'batchNorm': {
      const { scale, offset, mean, variance } = step.parts;
      const parts = {
        scale: scale && (await load(scale, where)),
        offset: await load(offset, where),
        mean: await load(mean, where),
        variance: await load(variance, where),
      };
      return addBatchNorm(builder, input, { epsilon: asWritten(step.epsilon), ...parts }, where);
    }
    case 'fullyConnected': {
      const loaded = await load(step.weights, where);
      const weights = step.transposed ? transpose(loaded) : loaded;
      const biases = step.biases && (await load(step.biases, where));
      return addFullyConnected(builder, input, { weights, biases }, where);
    }
  }
}

/** In which order the layers read colours: the graph may turn them by itself. */
function orderOf(steps: Operation[], { model }: Network, { order }: GraphSource): 'rgb' | 'bgr' {
  const isReversed = steps.filter(({ kind }) => kind === 'reverse').length % 2 === 1;
  const reversed = order === 'bgr' ? 'rgb' : 'bgr';
  return model.channels === 3 && isReversed ? reversed : model.channels === 3 ? order : 'rgb';
}
