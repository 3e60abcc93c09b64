import type { Fitting } from '../../models/preprocessing.ts';
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
 * A function of the graph: the bytes of one picture's file -> uint8 [height, width, channels], cropped and
 * resized as bat-sup does (the same kernel and margins, on white, grey by luma). It differs in that it ignores EXIF orientation and
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
  const placed = place(graph, lengths, { height, width, ...preprocessing });
  const { scale, translation } = placed;
  const resized = graph.float(
    'ScaleAndTranslate',
    [batch, graph.constant('to', constant.integers([height, width])), scale, translation],
    {
      attributes: {
        kernel_type: attribute.text(kernels[preprocessing.filter ?? 'lanczos3']),
        antialias: attribute.bool(true),
      },
    },
  );
  const shown = placed.mask ? graph.float('Mul', [resized, placed.mask]) : resized;
  const black = graph.constant('black', constant.float(0));
  const inRange = (pixels: string) =>
    graph.float('Round', [graph.float('ClipByValue', [pixels, black, white()])]);
  const colours = inRange(graph.float('Sub', [white(), shown]));
  const pixels = graph.cast(channels === 1 ? inRange(addGrey(graph, colours)) : colours, float32, uint8);
  const result = graph.add('Squeeze', [pixels], {
    attributes: { T: attribute.type(uint8), squeeze_dims: attribute.integers([0]) },
  });
  return asFunction('decode_picture', graph, result);
}

/** TensorFlow's names of the filters. */
const kernels = { lanczos3: 'lanczos3', bicubic: 'keyscubic', bilinear: 'triangle' };

interface Placed {
  /** Float32 [height, width]: what the picture is enlarged by, and where its first corner goes then. */
  scale: string;
  translation: string;
  /** 0 where the result is white although the picture reaches there, otherwise 1; absent: there is no such place. */
  mask?: string;
}

type Target = Fitting & { height: number; width: number };

/** Does what images/jpeg/codec.ts does in `placement`. @param lengths of the picture, float32 [height, width]. */
function place(graph: Graph, lengths: string, target: Target): Placed {
  const { height, width, fit, crop = 1 } = target;
  const size = graph.constant('size', constant.floats([height, width]));
  if (crop < 1 && fit === 'cover') return placeCentre(graph, lengths, { ...target, size, crop });
  const share =
    crop < 1 ? graph.float('Mul', [lengths, graph.constant('crop', constant.float(crop))]) : lengths;
  const ratios = graph.float('RealDiv', [size, share]);
  const zero = () => graph.constant('zero', constant.integer(0));
  const choice = { fill: undefined, cover: 'Max', contain: 'Min' }[fit];
  const ratio = choice ? graph.float(choice, [ratios, zero()]) : ratios;
  const scaled = graph.float('Mul', [share, ratio]);
  const isWhole = fit !== 'cover';
  const one = graph.constant('one', constant.float(1));
  const inner = isWhole ? graph.float('Maximum', [graph.float('Round', [scaled]), one]) : scaled;
  const scale = graph.float('RealDiv', [inner, share]);
  const half = graph.constant('half', constant.float(0.5));
  const margins = graph.float('Mul', [graph.float('Sub', [size, inner]), half]);
  const translation = isWhole ? graph.float('Floor', [margins]) : margins;
  if (crop === 1) return { scale, translation };
  const cutOff = graph.float('Mul', [graph.float('Sub', [lengths, share]), half]);
  const moved = graph.float('Sub', [translation, graph.float('Mul', [cutOff, scale])]);
  return { scale, translation: moved, mask: insideMask(graph, { inner, begin: translation, height, width }) };
}

/** A length of a picture: [height, width] -> [1]. */
function lengthAt(graph: Graph, lengths: string, axis: 0 | 1): string {
  const begin = graph.constant('begin', constant.integers([axis]));
  const one = graph.constant('count', constant.integers([1]));
  return graph.float('Slice', [lengths, begin, one], { attributes: { Index: attribute.type(int32) } });
}

/** Covers size / crop at whole pixels, and takes the middle. Quotients of whole numbers are exact in float32. */
function placeCentre(
  graph: Graph,
  lengths: string,
  { height, width, size, crop }: Target & { size: string; crop: number },
): Placed {
  const covering = ([height, width] as const).map((length, axis) => {
    const cover = graph.constant('cover', constant.float(Math.floor(length / crop)));
    const scaled = graph.float('Mul', [lengths, cover]);
    return graph.float('Floor', [graph.float('RealDiv', [scaled, lengthAt(graph, lengths, axis as 0 | 1)])]);
  }) as [string, string];
  const resized = graph.float('Maximum', covering);
  const half = graph.constant('half', constant.float(0.5));
  const margins = graph.float('Mul', [graph.float('Sub', [size, resized]), half]);
  return { scale: graph.float('RealDiv', [resized, lengths]), translation: graph.float('Round', [margins]) };
}

/** 1 inside of a part that begins and ends at whole pixels, and 0 around it: float32 [height, width, 1]. */
function insideMask(
  graph: Graph,
  { inner, begin, height, width }: { inner: string; begin: string; height: number; width: number },
): string {
  const [none, one] = [graph.constant('none', constant.float(0)), graph.constant('full', constant.float(1))];
  const clipped = (values: string) => graph.float('ClipByValue', [values, none, one]);
  const [rows, columns] = ([height, width] as const).map((length, axis) => {
    const shape = axis === 0 ? [length, 1, 1] : [1, length, 1];
    const places = graph.constant(
      'places',
      constant.floats(
        Array.from({ length }, (_, at) => at),
        shape,
      ),
    );
    const from = lengthAt(graph, begin, axis as 0 | 1);
    const to = graph.float('Add', [from, lengthAt(graph, inner, axis as 0 | 1)]);
    const afterBegin = clipped(graph.float('Sub', [graph.float('Add', [places, one]), from]));
    return graph.float('Mul', [afterBegin, clipped(graph.float('Sub', [to, places]))]);
  }) as [string, string];
  return graph.float('Mul', [rows, columns]);
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
