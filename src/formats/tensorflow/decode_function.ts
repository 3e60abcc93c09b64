import type { Network } from '../format.ts';
import { attribute, constant, Graph } from './graph.ts';
import { dataTypes, type FunctionDef } from './protos.ts';

const { float32, int32, string, uint8 } = dataTypes;

/** What each operation calls its output: within a function an input is named <node>:<output>:0. */
const outputNames: Record<string, string> = {
  Cast: 'y',
  ClipByValue: 'output',
  Const: 'output',
  DecodeImage: 'image',
  ExpandDims: 'output',
  Max: 'output',
  Min: 'output',
  Mul: 'z',
  RealDiv: 'z',
  Round: 'y',
  ScaleAndTranslate: 'resized_images',
  Shape: 'output',
  Slice: 'output',
  Squeeze: 'output',
  Sub: 'z',
};

/**
 * A function of the graph: the bytes of one picture's file -> uint8 [height, width, channels], resized with Lanczos'
 * kernel, as bat-sup does, and to the same place. It differs in that it does not turn pictures as EXIF says, takes
 * transparency for opaque, and decodes JPEG in full before it resizes.
 */
export function decodeFunction({ model, preprocessing }: Network): FunctionDef {
  const { width, height, channels } = model;
  const graph = new Graph();
  const cast = (input: string, from: number, to: number) =>
    graph.add('Cast', [input], { attributes: { SrcT: attribute.type(from), DstT: attribute.type(to) } });
  const white = () => graph.constant('white', constant.float(255));
  const zero = () => graph.constant('zero', constant.integer(0));

  const decoded = graph.add('DecodeImage', ['file'], {
    attributes: {
      channels: { i: channels },
      dtype: attribute.type(uint8),
      expand_animations: attribute.bool(false),
    },
  });
  // What lies outside of the picture becomes 0: of the negative, so that it is white.
  const negative = graph.float('Sub', [white(), cast(decoded, uint8, float32)]);
  const batch = graph.float('ExpandDims', [negative, zero()]);

  const shape = graph.add('Shape', [decoded], { attributes: { T: attribute.type(uint8) } });
  const from = graph.constant('from', constant.integers([0]));
  const two = graph.constant('two', constant.integers([2]));
  const lengths = cast(
    graph.add('Slice', [shape, from, two], {
      attributes: { T: attribute.type(int32), Index: attribute.type(int32) },
    }),
    int32,
    float32,
  );
  const size = graph.constant('size', constant.floats([height, width]));
  const ratios = graph.float('RealDiv', [size, lengths]);
  const scales = { fill: undefined, cover: 'Max', contain: 'Min' }[preprocessing.fit];
  const keepingDimension = { attributes: { keep_dims: attribute.bool(true) } };
  const ones = graph.constant('ones', constant.floats([1, 1]));
  const scale = scales
    ? graph.float('Mul', [graph.float(scales, [ratios, zero()], keepingDimension), ones])
    : ratios;
  const overhang = graph.float('Sub', [size, graph.float('Mul', [lengths, scale])]);
  const translation = graph.float('Mul', [overhang, graph.constant('half', constant.float(0.5))]);

  const resized = graph.float(
    'ScaleAndTranslate',
    [batch, graph.constant('to', constant.integers([height, width])), scale, translation],
    { attributes: { kernel_type: attribute.text('lanczos3'), antialias: attribute.bool(true) } },
  );
  const positive = graph.float('Round', [graph.float('Sub', [white(), resized])]);
  const black = graph.constant('black', constant.float(0));
  const pixels = cast(graph.float('ClipByValue', [positive, black, white()]), float32, uint8);
  const result = graph.add('Squeeze', [pixels], {
    attributes: { T: attribute.type(uint8), squeeze_dims: attribute.integers([0]) },
  });
  return asFunction('decode_picture', graph, result);
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
