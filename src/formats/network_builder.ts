import { UserError } from '../errors.ts';
import type { LayerSummary, Padding as OwnPadding } from '../model_tools/index.ts';
import { paddingAttribute } from '../model_tools/padding.ts';
import { ownPreprocessing } from '../models/preprocessing.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import { rowsToHwc, type Tensor } from '../tensors/tensors.ts';
import type { About } from './about.ts';
import type { ImportHints, Network } from './format.ts';

/** What a layer of a network under construction gives. */
export interface Value {
  /** The layer that gives it; undefined: the pictures. */
  layer: string | undefined;
  /** Without the batch: [height, width, channels] or [features]. */
  shape: number[];
  /** The maps [height, width, channels] whose values lie channel by channel in these features. */
  chwOf?: number[];
  /** It is a softmax's, which bat-sup has outside of the network; nothing can follow. */
  isSoftmax?: true;
}

/** Pixels added [top, left, bottom, right], or how they follow from the sizes. */
export type Padding = OwnPadding | [number, number, number, number];

export interface Window {
  kernel: number[];
  strides: number[];
  padding: Padding;
}

export interface BatchNorm {
  epsilon: number;
  /** Each one value a channel. */
  scale?: Tensor | undefined;
  offset?: Tensor | undefined;
  mean: Tensor;
  variance: Tensor;
}

/** What a network is given of a picture. */
interface InputScale {
  /** Times which it is a pixel, 0..255, unless it shows that it is another; undefined: 0..1. */
  scale?: number | undefined;
  /** Whether the file says so. */
  isTold?: boolean;
}

const zeros = (length: number): Tensor => ({ shape: [length], values: new Float32Array(length) });

/** In one picture's maps. */
const mostNumbers = 2 ** 28;

/** More than any picture classifier holds, and few enough to be counted without harm. */
const mostLayers = 1000;

/**
 * A network of bat-sup's layers, put together by what reads a file of another library.
 * Every method refuses what bat-sup has no layer for, naming `where` in the file it stands.
 */
export class NetworkBuilder {
  readonly #source: string;
  readonly #layers: LayerSummary[] = [];
  readonly #weights = new Map<string, NamedTensor>();
  readonly #hints: Partial<ImportHints>;
  /** What the network itself multiplies its input by. */
  #factor: number | undefined;
  /** The layer that shifts the pixels, or scales each channel by another factor. */
  #normalisation: string | undefined;
  /** Layers that scale and shift what the layer before gives. */
  readonly #affine = new Set<string>();
  /** What was scaled or shifted since: what else reads it would read something else. */
  readonly #superseded = new WeakSet<Value>();
  #isSizeAssumed = false;

  /** @param source the file, for messages. */
  constructor(source: string, hints: Partial<ImportHints> = {}) {
    this.#source = source;
    this.#hints = hints;
  }

  fail(where: string, why: string): never {
    throw new UserError(`${this.#source} cannot be imported: ${where} ${why}.`);
  }

  /** The pictures [height, width, channels]; a height or width that the file leaves open is the hints'. */
  pictures(where: string, told: (number | null | undefined)[]): Value {
    const { height, width } = this.#hints;
    const isOpen = (length: unknown, axis: number) => axis < 2 && (length ?? -1) === -1;
    const shape = told.map(
      (length, axis) => (isOpen(length, axis) ? [height, width][axis] : length) as number,
    );
    this.#isSizeAssumed = told.some(isOpen);
    const isPicture = shape.length === 3 && shape.every((length) => Number.isInteger(length) && length > 0);
    if (!isPicture || ![1, 3].includes(shape[2] as number))
      this.fail(where, `takes [${shape}]; bat-sup's pictures are of a fixed size, in grey or RGB`);
    if (sizeOf(shape) > mostNumbers)
      this.fail(where, `takes [${shape}], larger than any picture bat-sup reads`);
    return { layer: undefined, shape };
  }

  /** Pixels times a factor, before the first layer. */
  rescale(input: Value, factor: number, where: string): Value {
    if (input.layer !== undefined)
      this.fail(where, 'multiplies within the network; bat-sup scales pixels only');
    return this.normalise(input, { factors: [factor], offsets: [0] }, where);
  }

  /**
   * Times factors plus offsets, each one for all channels or one for each. Of the pictures: one factor alone becomes the
   * preprocessing's scale, all else a convolution of 1 x 1, which is exact at the edges as well. Of what a layer gives: a
   * batch normalisation with the mean 0 and the variance 1.
   */
  normalise(
    input: Value,
    { factors, offsets }: { factors: number[]; offsets: number[] },
    where: string,
  ): Value {
    const isShift = offsets.some((offset) => offset !== 0);
    if (!isShift && factors.every((factor) => factor === 1)) return input;
    this.#checkCurrent([input], where);
    const scales = this.#perChannel(factors, input, where);
    const shifts = this.#perChannel(offsets, input, where);
    if (scales.includes(0)) this.fail(where, 'multiplies by 0');
    const folded = input.layer !== undefined && this.#foldInto(input.layer, scales, shifts);
    if (input.layer !== undefined && !folded) return this.#addAffine(input, scales, shifts, where);
    this.#superseded.add(input);
    if (!folded && (isShift || scales.some((scale) => scale !== scales[0])))
      return this.#addNormalisation({ ...input }, scales, shifts, where);
    if (!folded) this.#factor = (this.#factor ?? 1) * (scales[0] as number);
    return { ...input };
  }

  #addAffine(input: Value, scales: number[], shifts: number[], where: string): Value {
    const channels = scales.length;
    const vector = (values: number[]) => ({ shape: [channels], values: Float32Array.from(values) });
    const [mean, variance] = [zeros(channels), vector(scales.map(() => 1))];
    const parts = { epsilon: 0, mean, variance, scale: vector(scales), offset: vector(shifts) };
    const output = this.batchNorm(input, parts, where);
    this.#affine.add(output.layer as string);
    return output;
  }

  #perChannel(values: number[], input: Value, where: string): number[] {
    const channels = input.shape.at(-1) as number;
    if (![1, channels].includes(values.length))
      this.fail(where, `has ${values.length} values for ${channels} channels`);
    if (!values.every(Number.isFinite)) this.fail(where, `scales or shifts the pixels by ${values}`);
    return values.length === channels ? values : Array(channels).fill(values[0]);
  }

  #addNormalisation(input: Value, scales: number[], shifts: number[], where: string): Value {
    const channels = scales.length;
    const kernel = { shape: [1, 1, channels, channels], values: new Float32Array(channels ** 2) };
    for (const [channel, scale] of scales.entries()) kernel.values[channel * (channels + 1)] = scale;
    const biases = { shape: [channels], values: Float32Array.from(shifts) };
    const output = this.conv(input, { kernel, biases, strides: [1, 1], padding: 'valid' }, where);
    this.#normalisation = output.layer;
    return output;
  }

  /** Puts a further factor and offset into the layer that has those before, if it is one that `normalise` made. */
  #foldInto(layer: string, scales: number[], shifts: number[]): boolean {
    const isNormalisation = layer === this.#normalisation;
    if (!isNormalisation && !this.#affine.has(layer)) return false;
    const factors = this.#valuesOf(layer, isNormalisation ? 'weights' : 'scale');
    const offsets = this.#valuesOf(layer, isNormalisation ? 'biases' : 'offset');
    for (const [channel, scale] of scales.entries()) {
      const place = isNormalisation ? channel * (scales.length + 1) : channel; // its diagonal
      factors[place] = (factors[place] as number) * scale;
      offsets[channel] = (offsets[channel] as number) * scale + (shifts[channel] as number);
    }
    return true;
  }

  #valuesOf(layer: string, variable: string): Float32Array {
    return (this.#weights.get(`${layer}/${variable}`) as NamedTensor).values;
  }

  #checkCurrent(inputs: Value[], where: string): void {
    if (inputs.some((input) => this.#superseded.has(input)))
      this.fail(where, 'reads what is scaled or shifted, before that as well as after');
  }

  /** @param kernel [height, width, in, out] */
  conv(
    input: Value,
    {
      kernel,
      biases,
      strides,
      padding,
    }: { kernel: Tensor; biases?: Tensor | undefined } & Omit<Window, 'kernel'>,
    where: string,
  ): Value {
    const [height, width, channels, outputs] = kernel.shape as [number, number, number, number];
    const maps = this.#maps(input, where);
    if (kernel.shape.length !== 4)
      this.fail(where, `has weights of shape [${kernel.shape}] instead of four axes`);
    if (channels !== maps[2])
      this.fail(where, `has a kernel for ${channels} channels (in groups?), its input has ${maps[2]}`);
    const window = this.#window(input, { kernel: [height, width], strides, padding }, where);
    const name = this.#nextName('conv');
    const variables = [
      this.#keep(`${name}/weights`, kernel),
      ...(biases ? [this.#keep(`${name}/biases`, this.#vector(biases, outputs, where))] : []),
    ];
    const outputShape = [...window.outputSize, outputs];
    return this.#add(name, 'conv', [window.input], { outputShape, variables, attributes: window.attributes });
  }

  maxPool(input: Value, window: Window, where: string): Value {
    const maps = this.#maps(input, where);
    const { input: padded, outputSize, attributes } = this.#window(input, window, where);
    // Other libraries put minus infinity around: the same as zeros only where nothing is below them.
    const isAboveZero = this.#layers.find(({ name }) => name === input.layer)?.kind === 'activation';
    if (padded !== input && !isAboveZero)
      this.fail(where, `pads by [${window.padding}] maps that no ReLU gives, which bat-sup's pooling cannot`);
    const outputShape = [...outputSize, maps[2] as number];
    return this.#add(this.#nextName('pool'), 'pool', [padded], { outputShape, attributes });
  }

  /** @param sides [top, left, bottom, right] */
  zeroPadding(input: Value, sides: number[], where: string): Value {
    const [height, width, channels] = this.#maps(input, where) as [number, number, number];
    if (sides.length !== 4 || !sides.every((pixels) => Number.isInteger(pixels) && pixels >= 0))
      this.fail(where, `pads by [${sides}]`);
    const [top, left, bottom, right] = sides as [number, number, number, number];
    const outputShape = [top + height + bottom, left + width + right, channels];
    if (sizeOf(outputShape) > mostNumbers) this.fail(where, `pads by [${sides}], to more than can be`);
    const attributes = { top, left, bottom, right };
    return this.#add(this.#nextName('pad'), 'zeroPadding', [input], { outputShape, attributes });
  }

  relu(input: Value): Value {
    const attributes = { function: 'relu' };
    const output = this.#add(this.#nextName('relu'), 'activation', [input], {
      outputShape: input.shape,
      attributes,
    });
    return { ...output, ...(input.chwOf && { chwOf: input.chwOf }) };
  }

  /** @param order in which the maps' values lie in the result. */
  flatten(input: Value, order: 'hwc' | 'chw', where: string): Value {
    if (input.shape.length === 1) return input;
    const maps = this.#maps(input, where);
    if (this.#layers.some(({ kind }) => kind === 'flatten')) this.fail(where, 'flattens a second time');
    const output = this.#add('flatten', 'flatten', [input], { outputShape: [sizeOf(maps)] });
    return order === 'chw' ? { ...output, chwOf: maps } : output;
  }

  /** @param weights [in, out] */
  fullyConnected(
    input: Value,
    { weights, biases }: { weights: Tensor; biases?: Tensor | undefined },
    where: string,
  ): Value {
    const [inputs, outputs] = weights.shape as [number, number];
    if (weights.shape.length !== 2)
      this.fail(where, `has weights of shape [${weights.shape}] instead of two axes`);
    if (input.shape.length !== 1 || input.shape[0] !== inputs)
      this.fail(where, `takes ${inputs} features, its input is [${input.shape}]`);
    const name = this.#nextName('fc');
    const variables = [
      this.#keep(`${name}/weights`, input.chwOf ? rowsToHwc(weights, input.chwOf) : weights),
      this.#keep(`${name}/biases`, this.#vector(biases ?? zeros(outputs), outputs, where)),
    ];
    return this.#add(name, 'fullyConnected', [input], { outputShape: [outputs], variables });
  }

  /** (x - mean) / sqrt(variance + epsilon) * scale + offset for each channel; without scale 1, without offset 0. */
  batchNorm(input: Value, { epsilon, mean, variance, ...parts }: BatchNorm, where: string): Value {
    const channels = input.shape.at(-1) as number;
    if (input.chwOf) this.fail(where, 'normalises flattened maps; bat-sup normalises before flattening');
    if (!(epsilon >= 0)) this.fail(where, `has the epsilon ${epsilon}`);
    const name = this.#nextName('norm');
    const keep = (part: string, tensor: Tensor) =>
      this.#keep(`${name}/${part}`, this.#vector(tensor, channels, where));
    const scale = parts.scale ?? { shape: [channels], values: new Float32Array(channels).fill(1) };
    const variables = [keep('scale', scale), keep('offset', parts.offset ?? zeros(channels))];
    const state = [keep('mean', mean), keep('variance', variance)];
    const more = { outputShape: input.shape, variables, state, attributes: { epsilon } };
    return this.#add(name, 'batchNorm', [input], more);
  }

  add(one: Value, other: Value, where: string): Value {
    const isSame = String(one.shape) === String(other.shape) && String(one.chwOf) === String(other.chwOf);
    if (!isSame) this.fail(where, `adds [${one.shape}] and [${other.shape}]`);
    if (!one.layer || !other.layer)
      this.fail(where, 'adds the pictures themselves; bat-sup adds what layers give');
    const output = this.#add(this.#nextName('add'), 'add', [one, other], { outputShape: one.shape });
    return { ...output, ...(one.chwOf && { chwOf: one.chwOf }) };
  }

  globalAveragePool(input: Value, where: string): Value {
    const channels = this.#maps(input, where)[2] as number;
    return this.#add(this.#nextName('average'), 'globalAveragePool', [input], { outputShape: [channels] });
  }

  dropout(input: Value, rate: number, where: string): Value {
    if (!(rate >= 0 && rate < 1)) this.fail(where, `drops the share ${rate}`);
    const parts = { outputShape: input.shape, attributes: { rate } };
    const output = this.#add(this.#nextName('dropout'), 'dropout', [input], parts);
    return { ...output, ...(input.chwOf && { chwOf: input.chwOf }) };
  }

  /** The logits' softmax, which bat-sup computes by itself. */
  softmax(input: Value): Value {
    return { ...input, isSoftmax: true };
  }

  /**
   * The finished network, which ends in `output`.
   * @param told what bat-sup's own metadata in the file say.
   * @throws {UserError} where its end is no value for each class, or contradicts the metadata.
   */
  finish(pictures: Value, output: Value, told: About | undefined, input: InputScale = {}): Network {
    const where = output.layer ?? 'the network';
    if (this.#layers.at(-1)?.name !== output.layer || output.shape.length !== 1)
      this.fail(where, `gives [${output.shape}]; a picture classifier ends in one value for each class`);
    const [height, width, channels] = pictures.shape as [number, number, 1 | 3];
    const outputs = output.shape[0] as number;
    if (outputs < 2) this.fail(where, 'gives one value; bat-sup has one for each of two or more classes');
    if (told && told.classes.length !== outputs)
      this.fail(where, `gives ${outputs} values, its metadata name ${told.classes.length} classes`);
    const classes = told?.classes ?? Array.from({ length: outputs }, (_, index) => `class${index + 1}`);
    const { scale, isAssumed } = told
      ? { scale: this.#toldScale(told), isAssumed: false }
      : this.#ownScale(input);
    const assumed = {
      size: this.#isSizeAssumed,
      scale: isAssumed && this.#hints.scale === undefined,
      order: channels === 3 && told === undefined,
    };
    return {
      model: { architecture: 'layers', width, height, channels, classes, layers: this.#layers },
      preprocessing: { fit: told?.preprocessing.fit ?? 'fill', scale },
      layers: this.#layers,
      weights: this.#weights,
      temperature: told?.temperature ?? 1,
      assumed: (['size', 'scale', 'order'] as const).filter((what) => assumed[what]),
    };
  }

  /** As exact as bat-sup's own metadata have it, where the file rounded it to a float32. */
  #toldScale({ preprocessing: { scale } }: About): number {
    if (this.#hints.scale !== undefined) return this.#hints.scale;
    const isRounded = this.#factor === undefined || Math.fround(this.#factor) === Math.fround(scale);
    return isRounded ? scale : (this.#factor as number);
  }

  /** Of another's file: what its input is of a pixel, times what it multiplies its input by. */
  #ownScale(input: InputScale): { scale: number; isAssumed: boolean } {
    this.#pullFactor();
    const readsPixels = this.#readsPixels();
    const usual = input.scale ?? (readsPixels ? 1 : ownPreprocessing.scale);
    const scale = (this.#hints.scale ?? usual) * (this.#factor ?? 1);
    const isOwn = Math.fround(scale) === Math.fround(ownPreprocessing.scale);
    return { scale: isOwn ? ownPreprocessing.scale : scale, isAssumed: !input.isTold && !readsPixels };
  }

  /** Makes the normalisation's first factor 1, so that training on from here meets weights of the usual size. */
  #pullFactor(): void {
    if (this.#normalisation === undefined) return;
    const kernel = this.#valuesOf(this.#normalisation, 'weights');
    const first = kernel[0] as number;
    this.#factor = (this.#factor ?? 1) * first;
    for (const [index, value] of kernel.entries()) kernel[index] = value / first;
  }

  /** Whether what it does to its input brings pixels of 0..255, rather than 0..1, near to 0 and 1. */
  #readsPixels(): boolean {
    const factor = this.#factor ?? 1;
    const [offset = 0] = this.#normalisation ? this.#valuesOf(this.#normalisation, 'biases') : [];
    return Math.abs(factor) < 1 / 16 || Math.abs(offset / factor) > 1.5;
  }

  #maps(input: Value, where: string): number[] {
    if (input.shape.length !== 3) this.fail(where, `takes feature maps, its input is [${input.shape}]`);
    return input.shape;
  }

  #vector({ values }: Tensor, length: number, where: string): Tensor {
    if (values.length !== length) this.fail(where, `has ${values.length} values for ${length} channels`);
    return { shape: [length], values };
  }

  /** How windows lie on maps; where neither of bat-sup's paddings is theirs, on maps with zeros around, which are made. */
  #window(
    input: Value,
    { kernel, strides, padding }: Window,
    where: string,
  ): { input: Value; outputSize: number[]; attributes: LayerSummary['attributes'] } {
    const [size, stride] = [kernel[0], strides[0]] as [number, number];
    if (kernel.length !== 2 || kernel[1] !== size)
      this.fail(where, `has a kernel of ${kernel.join(' x ')}, not square`);
    if (strides.length !== 2 || strides[1] !== stride)
      this.fail(where, `has strides of ${strides.join(' x ')}`);
    if (![size, stride].every((length) => Number.isInteger(length) && length > 0))
      this.fail(where, `has a kernel of ${size} and a stride of ${stride}`);
    const known = ownPadding(padding, { lengths: input.shape.slice(0, 2), size, stride });
    const padded = known ? input : this.zeroPadding(input, padding as number[], where);
    const own = known ?? 'valid';
    const lengths = padded.shape.slice(0, 2);
    const outputSize = lengths.map((length) => windowsIn(length, size, stride, own));
    const isBehind = (count: number, axis: number) =>
      (count - 1) * stride >= (input.shape[axis] as number) + Number(padding[axis]);
    if (!known && outputSize.some(isBehind)) this.fail(where, 'has windows on padding alone');
    if (outputSize.some((length) => length < 1))
      this.fail(where, `has a kernel of ${size} for maps of ${lengths.join(' x ')}`);
    return { input: padded, outputSize, attributes: { kernel: size, stride, ...paddingAttribute(own) } };
  }

  #keep(name: string, { shape, values }: Tensor): { name: string; shape: number[] } {
    if (sizeOf(shape) !== values.length)
      this.fail(name, `has ${values.length} values for the shape [${shape}]`);
    this.#weights.set(name, { name, shape, values });
    return { name, shape };
  }

  /** As the layers' own scope names them. */
  #nextName(prefix: string): string {
    const before = this.#layers.filter((layer) => layer.name.replace(/\d+$/, '') === prefix).length;
    return `${prefix}${before + 1}`;
  }

  #add(
    name: string,
    kind: LayerSummary['kind'],
    inputs: Value[],
    {
      outputShape,
      variables = [],
      state,
      attributes = {},
    }: Pick<LayerSummary, 'outputShape'> & Partial<LayerSummary>,
  ): Value {
    this.#checkCurrent(inputs, name);
    if (inputs.some(({ isSoftmax }) => isSoftmax))
      this.fail(name, 'reads a softmax; bat-sup has it at the end only');
    if (this.#layers.length >= mostLayers) this.fail(name, `is one layer more than ${mostLayers}`);
    this.#layers.push({
      name,
      kind,
      inputs: inputs.flatMap(({ layer }) => (layer === undefined ? [] : [layer])),
      inputShape: inputs[0]?.shape ?? [],
      outputShape,
      variables,
      ...(state && { state }),
      attributes,
    });
    return { layer: name, shape: outputShape };
  }
}

/** TensorFlow's SAME: as many outputs as strides fit in, the padding as even as possible, the odd pixel behind. */
export function samePadding(
  length: number,
  kernel: number,
  stride: number,
): { before: number; after: number } {
  const total = Math.max((Math.ceil(length / stride) - 1) * stride + kernel - length, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before };
}

/** How many windows there are along an axis. */
function windowsIn(length: number, size: number, stride: number, padding: OwnPadding): number {
  return padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - size) / stride) + 1;
}

/** As which of our own paddings the windows lie on both axes; what no window reaches does not matter. */
function ownPadding(
  padding: Padding,
  { lengths, size, stride }: { lengths: number[]; size: number; stride: number },
): OwnPadding | undefined {
  if (padding === 'same') return padding;
  const pads = padding === 'valid' ? [0, 0, 0, 0] : padding;
  const lies = (own: OwnPadding) =>
    lengths.every((length, axis) => {
      const [before, after] = [pads[axis] as number, pads[axis + 2] as number];
      const windows = Math.floor((length + before + after - size) / stride) + 1;
      const wanted = own === 'same' ? samePadding(length, size, stride).before : 0;
      return before === wanted && windows === windowsIn(length, size, stride, own);
    });
  return (['same', 'valid'] as const).find(lies);
}
