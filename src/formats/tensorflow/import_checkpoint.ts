import { reason, UserError } from '../../errors.ts';
import type { Preprocessing } from '../../models/preprocessing.ts';
import { type About, aboutKey, readAbout } from '../about.ts';
import { damaged, quoted, readBounded } from '../files.ts';
import type { Network } from '../format.ts';
import { NetworkBuilder, type Value } from '../network_builder.ts';
import { type Tensor, transpose } from '../tensors.ts';
import { type Bundle, openBundle } from './bundle/read.ts';
import { findCheckpointFiles } from './find_files.ts';
import { type Operation, type Understood, understandGraph, type Variable } from './operations.ts';
import { type GraphDef, metaGraphs } from './protos.ts';

/** A graph takes about a hundred bytes a node; TensorFlow's own limit is 2 GiB. */
const mostMetaBytes = 64 * 2 ** 20;

/**
 * Reads a TensorFlow 1 checkpoint: its network is told by the graph in .meta, from the pictures' placeholder to the
 * logits. Unless the graph itself turns or scales the pictures, they are what OpenCV gives, as in the article: BGR,
 * 0..255.
 * @param source a folder with one checkpoint, or one of its files.
 * @throws {UserError} where it is damaged, or has operations that bat-sup has no layer for.
 */
export async function importCheckpoint(source: string): Promise<Network> {
  const { meta, prefix } = await findCheckpointFiles(source);
  const graph = await readGraph(meta);
  const told = aboutOf(graph, meta);
  const bundle = await openBundle(prefix);
  const understood = understandGraph(graph.node);
  const steps = stepsTo(outputOf(understood, meta), understood.operations);
  return build({ steps, bundle, told, meta });
}

async function readGraph(meta: string): Promise<GraphDef> {
  const bytes = await readBounded(meta, mostMetaBytes);
  try {
    const { graph_def: graph } = metaGraphs.decode(bytes);
    if (graph) return graph;
  } catch (error) {
    damaged(meta, reason(error));
  }
  throw new UserError(`${meta} holds no graph; export it with its graph, or import another.`);
}

/** What bat-sup itself has written into the graph. */
function aboutOf({ node }: GraphDef, meta: string): About | undefined {
  const told = node.find(({ name, op }) => name === aboutKey && op === 'Const');
  const value = told?.attr.find(({ key }) => key === 'value')?.value?.tensor;
  const [text] = value?.string_val ?? [];
  return readAbout(text && Buffer.from(text).toString(), meta);
}

/** The operation that no other reads: the logits, or a copy of them that reads the same variables. */
function outputOf({ ends: all, hindrances }: Understood, meta: string): Operation {
  const [hindrance] = hindrances;
  if (hindrance)
    throw new UserError(
      `${meta} cannot be imported: ${quoted(hindrance.node)} is a ${quoted(hindrance.op)}, which bat-sup has no layer for.`,
    );
  const ends = all.filter(({ kind }) => kind === 'fullyConnected');
  const variables = new Set(ends.map((end) => 'weights' in end && end.weights.name));
  const [end] = ends;
  if (!end)
    throw new UserError(
      `${meta} cannot be imported: no logits follow from a placeholder of pictures in its graph.`,
    );
  if (variables.size > 1)
    throw new UserError(
      `${meta} cannot be imported: it has several outputs, ${ends
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
  bundle: Bundle;
  told: About | undefined;
  meta: string;
}

async function build({ steps, bundle, told, meta }: Parts): Promise<Network> {
  const builder = new NetworkBuilder(meta);
  const used = new Set<string>();
  const load: Load = async (variable, where) => {
    if (used.has(variable.name)) builder.fail(where, `shares ${quoted(variable.name)} with another layer`);
    used.add(variable.name);
    return bundle.read(variable.name, variable.shape);
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
  const network = builder.finish(pictures, output, told);
  return {
    ...network,
    preprocessing: { ...network.preprocessing, ...inputOf(steps, told, network.model.channels) },
  };
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
    case 'conv': {
      const kernel = await load(step.weights, where);
      const biases = step.biases && (await load(step.biases, where));
      return builder.conv(input, { ...step, kernel, biases }, where);
    }
    case 'maxPool':
      return builder.maxPool(input, step, where);
    case 'relu':
      return builder.relu(input);
    case 'flatten':
      return builder.flatten(input, 'hwc', where);
    case 'add':
      return builder.add(input, inputs[1] as Value, where);
    case 'globalAveragePool':
      return builder.globalAveragePool(input, where);
    case 'batchNorm': {
      const { scale, offset, mean, variance } = step.parts;
      const parts = {
        scale: await load(scale, where),
        offset: await load(offset, where),
        mean: await load(mean, where),
        variance: await load(variance, where),
      };
      return builder.batchNorm(input, { epsilon: step.epsilon, ...parts }, where);
    }
    case 'fullyConnected': {
      const loaded = await load(step.weights, where);
      const weights = step.transposed ? transpose(loaded) : loaded;
      const biases = step.biases && (await load(step.biases, where));
      return builder.fullyConnected(input, { weights, biases }, where);
    }
  }
}

/** How the graph's input comes from a picture: it takes OpenCV's, and may turn and scale them by itself. */
function inputOf(
  steps: Operation[],
  told: About | undefined,
  channels: number,
): Pick<Preprocessing, 'scale' | 'order'> {
  const reversals = steps.filter(({ kind }) => kind === 'reverse').length;
  const factors = steps.map((step) => (step.kind === 'multiply' ? (step.factor as number) : 1));
  const scale = factors.reduce((product, factor) => product * factor, 1);
  const exact = told?.preprocessing.scale;
  return {
    scale: exact !== undefined && Math.fround(exact) === scale ? exact : scale,
    order: channels === 3 && reversals % 2 === 0 ? 'bgr' : 'rgb',
  };
}
