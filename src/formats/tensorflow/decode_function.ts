import type { Network } from '../format.ts';
import { attribute, constant } from './attributes.ts';
import { Graph } from './graph.ts';
import { dataTypes, type FunctionDef } from './messages.ts';

const { float32, int32, string, uint8 } = dataTypes;

/** The name of each operation's output: within a function an input is <node>:<output>:0. */
const outputNames: Record<string, string> = {
  Add: 'z',
  Cast: 'y',
  ClipByValue: 'output',
  Const: 'output',
  DecodeImage: 'image',
  ExpandDims: 'output',
  Floor: 'y',
  Max: 'output',
  Maximum: 'z',
  Min: 'output',
  Mul: 'z',
  RealDiv: 'z',
  Round: 'y',
  ScaleAndTranslate: 'resized_images',
  Shape: 'output',
  Slice: 'output',
  Squeeze: 'output',
  Sub: 'z',
  Sum: 'output',
};

/**
 * A function of the graph: the bytes of one picture's file -> uint8 [height, width, channels], resized as bat-sup does
 * (Lanczos' kernel, the same margins, on white, grey by luma). It differs in that it ignores EXIF orientation and
 * transparency, and decodes JPEG in full before it resizes: pixels differ by 1 of 255 on average, at edges by 30.
 */
export function decodeFunction({ model, preprocessing }: Network): FunctionDef {
  const { width, height, channels } = model;
  const graph = new Graph();
  const white = () => graph.constant('white', constant.float(255));
  const zero = () => graph.constant('zero', constant.integer(0));

  const decoded = graph.add('DecodeImage', ['file'], {
    attributes: {
      channels: { i: 3 },
      dtype: attribute.type(uint8),
      expand_animations: attribute.bool(false),
    },
  });
  // ScaleAndTranslate fills the margins with 0, which is white in the negative.
  const negative = graph.float('Sub', [white(), graph.cast(decoded, uint8, float32)]);
  const batch = graph.float('ExpandDims', [negative, zero()]);

  const shape = graph.add('Shape', [decoded], { attributes: { T: attribute.type(uint8) } });
  const from = graph.constant('from', constant.integers([0]));
  const two = graph.constant('two', constant.integers([2]));
  const lengths = graph.cast(
    graph.add('Slice', [shape, from, two], {
      attributes: { T: attribute.type(int32), Index: attribute.type(int32) },
    }),
    int32,
    float32,
  );
  const size = graph.constant('size', constant.floats([height, width]));
  const ratios = graph.float('RealDiv', [size, lengths]);
  const choice = { fill: undefined, cover: 'Max', contain: 'Min' }[preprocessing.fit];
  const ratio = choice ? graph.float(choice, [ratios, zero()]) : ratios;
  const scaled = graph.float('Mul', [lengths, ratio]);
  const isWhole = preprocessing.fit !== 'cover';
  const one = graph.constant('one', constant.float(1));
  const inner = isWhole ? graph.float('Maximum', [graph.float('Round', [scaled]), one]) : scaled;
  const scale = graph.float('RealDiv', [inner, lengths]);
  const half = graph.constant('half', constant.float(0.5));
  const margins = graph.float('Mul', [graph.float('Sub', [size, inner]), half]);
  const translation = isWhole ? graph.float('Floor', [margins]) : margins;

  const resized = graph.float(
    'ScaleAndTranslate',
    [batch, graph.constant('to', constant.integers([height, width])), scale, translation],
    { attributes: { kernel_type: attribute.text('lanczos3'), antialias: attribute.bool(true) } },
  );
  const black = graph.constant('black', constant.float(0));
  const inRange = (pixels: string) =>
    graph.float('Round', [graph.float('ClipByValue', [pixels, black, white()])]);
  const colours = inRange(graph.float('Sub', [white(), resized]));
  const pixels = graph.cast(channels === 1 ? inRange(addGrey(graph, colours)) : colours, float32, uint8);
  const result = graph.add('Squeeze', [pixels], {
    attributes: { T: attribute.type(uint8), squeeze_dims: attribute.integers([0]) },
  });
  return asFunction('decode_picture', graph, result);
}

/**
 * RGB -> grey, both 0..255: luma (ITU-R BT.601).
 * @param colours [batch, height, width, 3]
 */
function addGrey(graph: Graph, colours: string): string {
  const shares = graph.constant('shares', constant.floats([0.299, 0.587, 0.114]));
  const axis = graph.constant('axis', constant.integers([3]));
  return graph.float('Sum', [graph.float('Mul', [colours, shares]), axis], {
    attributes: { keep_dims: attribute.bool(true) },
  });
}

function asFunction(name: string, { nodes }: Graph, result: string): FunctionDef {
  const outputs = new Map(nodes.map(({ name, op }) => [name, `${name}:${outputNames[op]}:0`]));
  const outputOf = (node: string) => outputs.get(node) ?? node;
  return {
    signature: {
      name,
      input_arg: [{ name: 'file', type: string }],
      output_arg: [{ name: 'picture', type: uint8 }],
    },
    node_def: nodes.map((node) => ({ ...node, input: node.input.map(outputOf) })),
    ret: [{ key: 'picture', value: outputOf(result) }],
  };
}
