import { attribute } from '../formats/tensorflow/attributes.ts';
import { Graph } from '../formats/tensorflow/graph.ts';
import { addNetwork } from '../formats/tensorflow/layer_nodes.ts';
import { dataTypes } from '../formats/tensorflow/messages.ts';
import { graphs } from '../formats/tensorflow/protos.ts';
import { type LayerSummary, variablesOf } from '../layers/layer.ts';

const { float32, int32 } = dataTypes;

function addVariable(graph: Graph, { name, shape }: LayerSummary['variables'][number]): string {
  const attributes = { dtype: attribute.type(float32), shape: attribute.shape(shape) };
  return graph.add('VariableV2', [], { name, attributes, shape });
}

/** Adds what training adds behind the logits: loss, accuracy, gradients and Adam. */
function addTraining(
  graph: Graph,
  variables: LayerSummary['variables'],
  { logits, labels }: { logits: string; labels: string },
): void {
  const entropy = 'SparseSoftmaxCrossEntropyWithLogits';
  const losses = graph.float(entropy, [logits, labels], { name: 'loss/SoftmaxCrossEntropy', shape: [-1] });
  const loss = graph.float('Mean', [losses], { name: 'loss/Mean', shape: [] });
  const attributes = { T: attribute.type(int32) };
  const predicted = graph.add('ArgMax', [logits], { name: 'accuracy/ArgMax', attributes, shape: [-1] });
  const correct = graph.add('Equal', [predicted, labels], {
    name: 'accuracy/Equal',
    attributes,
    shape: [-1],
  });
  graph.float('Mean', [correct], { name: 'accuracy/Mean', shape: [] });
  for (const { name, shape } of variables)
    graph.float('ApplyAdam', [name, loss], { name: `adam/${name.replace('/', '_')}`, shape });
}

/**
 * The graph of a training as TensorBoard shows it: a serialised GraphDef (tensorflow/core/framework/graph.proto). Load
 * this file only where it is needed: it brings protobufjs and the formats of all layers.
 */
export function networkGraph(
  layers: LayerSummary[],
  { height, width, channels }: { height: number; width: number; channels: number },
): Uint8Array {
  const graph = new Graph({ withShapes: true });
  const pictures = graph.placeholder('pictures', float32, [-1, height, width, channels]);
  const labels = graph.placeholder('labels', int32, [-1]);
  const values = new Map(
    layers.flatMap(variablesOf).map((variable) => [variable.name, addVariable(graph, variable)]),
  );
  const logits = addNetwork(graph, layers, { pictures, values, isTraining: true });
  const trainable = layers.flatMap(({ variables }) => variables);
  addTraining(graph, trainable, { logits, labels });
  return graphs.encode({ node: graph.nodes });
}
