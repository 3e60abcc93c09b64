import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, constant } from '../../../src/formats/tensorflow/attributes.ts';
import { Graph } from '../../../src/formats/tensorflow/graph.ts';
import { interpretGraph } from '../../../src/formats/tensorflow/interpret_graph.ts';
import { dataTypes } from '../../../src/formats/tensorflow/messages.ts';

const { float32 } = dataTypes;

/** A graph that begins with pictures of 4 x 4 pixels. */
function graphOf(build: (graph: Graph, pictures: string) => void) {
  const graph = new Graph();
  build(graph, graph.placeholder('pictures', float32, [-1, 4, 4, 3]));
  return interpretGraph(graph.nodes);
}

const variable = (graph: Graph, name: string, shape: number[]) =>
  graph.add('Identity', [graph.variable(float32, shape, name)], { name: `${name}/Read` });

/** rsqrt(variance + 0.001) */
function addRoot(graph: Graph): string {
  const sum = [variable(graph, 'variance', [3]), graph.constant('epsilon', constant.float(1e-3))];
  return graph.float('Rsqrt', [graph.float('AddV2', sum)]);
}

/** x * factor + (offset - mean * otherFactor) */
function addNormalisation(graph: Graph, x: string, [factor, otherFactor]: [string, string]): string {
  const scaledMean = graph.float('Mul', [variable(graph, 'mean', [3]), otherFactor]);
  const shift = graph.float('Sub', [variable(graph, 'offset', [3]), scaledMean]);
  return graph.float('AddV2', [graph.float('Mul', [x, factor]), shift], { name: 'normalised' });
}

test('a layer may be several nodes: batch normalisation without an op of its own, with a scale and without', () => {
  for (const isScaled of [true, false]) {
    const { operations, ends } = graphOf((graph, pictures) => {
      const root = addRoot(graph);
      const factor = isScaled ? graph.float('Mul', [root, variable(graph, 'scale', [3])]) : root;
      addNormalisation(graph, graph.float('Relu', [pictures]), [factor, factor]);
    });
    const [end] = ends;
    assert.equal(end?.node, 'normalised');
    const names = Object.values(end?.variables ?? {}).flatMap((one) => one?.name ?? []);
    assert.deepEqual(names, [...(isScaled ? ['scale'] : []), 'offset', 'mean', 'variance']);
    assert.deepEqual(
      end?.inputs.map(({ node }) => node),
      ['Relu'],
    );
    // The product is an operation as well, which the network does not need.
    assert.deepEqual(
      operations.map(({ node }) => node),
      ['pictures', 'Relu', 'Mul_1', 'normalised'].map((name) => (isScaled ? name.replace('_1', '_2') : name)),
    );
  }
});

test('what is nearly batch normalisation is not taken for it', () => {
  const { ends } = graphOf((graph, pictures) => {
    addNormalisation(graph, graph.float('Relu', [pictures]), [addRoot(graph), addRoot(graph)]);
  });
  assert.ok(ends.every(({ node }) => node !== 'normalised'));
});

test('biases belong to the operation before them, on whichever side of the sum they are', () => {
  for (const isFirst of [true, false]) {
    const { ends } = graphOf((graph, pictures) => {
      const attributes = { strides: attribute.size2D(1), padding: attribute.text('SAME') };
      const kernel = variable(graph, 'kernel', [3, 3, 3, 8]);
      const product = graph.float('Conv2D', [pictures, kernel], { attributes });
      const sum = [product, variable(graph, 'biases', [8])];
      graph.float('Add', isFirst ? sum.reverse() : sum);
    });
    assert.deepEqual(
      ends.map(({ node, variables }) => [node, variables?.kernel?.name, variables?.biases?.name]),
      [['Add', 'kernel', 'biases']],
    );
  }
});

test('an operation that no layer has is named where layers follow it', () => {
  const { hindrances } = graphOf((graph, pictures) => {
    const flat = graph.float('Reshape', [pictures, graph.constant('shape', constant.integers([-1, 48]))]);
    const bent = graph.float('Atan', [flat], { name: 'bent' });
    graph.float('MatMul', [bent, variable(graph, 'weights', [48, 2])]);
  });
  assert.deepEqual(hindrances, [{ kind: 'unknown', node: 'bent', op: 'Atan' }]);
});
