import type { Network } from '../format.ts';
import { attribute, constant, Graph } from './graph.ts';
import { dataTypes, type FunctionDef } from './protos.ts';

const { float32, int32, string, uint8 } = dataTypes;

/** What each operation calls its output: within a function an input is named <node>:<output>:0. */
const outputNames: Record<string, string> = {
  Add: 'z',
  Cast: 'y',
  ClipByValue: 'output',
  Const: 'output',
  DecodeImage: 'image',
  ExpandDims: 'output',
  Floor: 'y',
  Greater: 'z',
  LessEqual: 'z',
  Max: 'output',
  Min: 'output',
  Mul: 'z',
  Pow: 'z',
  RealDiv: 'z',
  Round: 'y',
  ScaleAndTranslate: 'resized_images',
  SelectV2: 'output',
  Shape: 'output',
  Slice: 'output',
  Squeeze: 'output',
  Sub: 'z',
  Sum: 'output',
};

/**
 * A function of the graph: the bytes of one picture's file -> uint8 [height, width, channels], resized as bat-sup does
 * (Lanczos' kernel, to the same place, on white, grey by the light). It differs in that it does not turn pictures as
 * EXIF says, takes transparency for opaque, decodes JPEG in full before it resizes, and enlarges by Lanczos' kernel
 * where sharp interpolates: pixels differ by 1 of 255 on average, at edges by 30, and more in pictures smaller than
 * the network's.
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
  // What lies outside of the picture becomes 0: of the negative, so that it is white.
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
  const inner = graph.float('Round', [graph.float('Mul', [lengths, ratio])]);
  const scale = graph.float('RealDiv', [inner, lengths]);
  const half = graph.constant('half', constant.float(0.5));
  const edges = graph.float('Floor', [graph.float('Mul', [graph.float('Sub', [size, inner]), half])]);
  // Where sharp enlarges a side, what it gives lies half a pixel further to the right and down.
  const one = graph.constant('one', constant.float(1));
  const enlarged = graph.add('Cast', [graph.float('Greater', [graph.float('Max', [scale, zero()]), one])], {
    attributes: { SrcT: attribute.type(dataTypes.bool), DstT: attribute.type(float32) },
  });
  const translation = graph.float('Add', [edges, graph.float('Mul', [enlarged, half])]);

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
 * RGB -> grey, both 0..255: the luminance of the light that sRGB's bytes stand for (IEC 61966-2-1), as a byte again.
 * @param colours [batch, height, width, 3]
 */
function addGrey(graph: Graph, colours: string): string {
  const number = (value: number) => graph.constant('number', constant.float(value));
  const times = (input: string, factor: number) => graph.float('Mul', [input, number(factor)]);
  const plus = (input: string, summand: number) => graph.float('Add', [input, number(summand)]);
  const power = (input: string, exponent: number) => graph.float('Pow', [input, number(exponent)]);
  const upTo = (value: string, limit: number, then: string, otherwise: string) =>
    graph.float('SelectV2', [graph.float('LessEqual', [value, number(limit)]), then, otherwise]);

  const bytes = times(colours, 1 / 255);
  const light = upTo(
    bytes,
    0.04045,
    times(bytes, 1 / 12.92),
    power(times(plus(bytes, 0.055), 1 / 1.055), 2.4),
  );
  const shares = graph.constant('shares', constant.floats([0.2126, 0.7152, 0.0722]));
  const luminance = graph.float(
    'Sum',
    [graph.float('Mul', [light, shares]), graph.constant('axis', constant.integers([3]))],
    {
      attributes: { keep_dims: attribute.bool(true) },
    },
  );
  const grey = upTo(
    luminance,
    0.0031308,
    times(luminance, 12.92),
    plus(times(power(luminance, 1 / 2.4), 1.055), -0.055),
  );
  return times(grey, 255);
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
