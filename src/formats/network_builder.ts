import { UserError } from '../errors.ts';
import { batchNorm } from '../layers/batch_norm/layer.ts';
import { conv } from '../layers/conv/layer.ts';
import { type Layer, type LayerSummary, nextName, planLayer } from '../layers/layer.ts';
import { ownPreprocessing } from '../models/preprocessing.ts';
import { sizeOf } from '../tensors/shape.ts';
import type { NamedTensor, Tensor } from '../tensors/tensors.ts';
import type { ImportHints, Network } from './format.ts';
import type { Metadata } from './metadata.ts';

/** What a layer of a network under construction gives. */
export interface Value {
  /** The layer that gives it; undefined: the pictures. */
  layer: string | undefined;
  /** Without the batch: [height, width, channels] or [features]. */
  shape: number[];
  /** The maps [height, width, channels] whose values lie channel by channel in these features. */
  chwOf?: number[];
  /** No element is below 0. */
  isNonNegative?: boolean;
  /** It is a softmax's, which bat-sup has outside of the network; nothing can follow. */
  isSoftmax?: true;
}

/** What a network is given of a picture. */
interface InputScale {
  /** Times which it is a pixel, 0..255, unless it shows that it is another; undefined: 0..1. */
  scale?: number | undefined;
  /** Whether the file says so. */
  isKnown?: boolean;
}

/** In one picture's maps. */
const maxNumbers = 2 ** 28;

/** More than any picture classifier holds, and few enough to be counted without harm. */
const maxLayers = 1000;

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
    if (sizeOf(shape) > maxNumbers)
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
    const tensors = {
      mean: vector(scales.map(() => 0)),
      variance: vector(scales.map(() => 1)),
      scale: vector(scales),
      offset: vector(shifts),
    };
    const output = this.add(batchNorm, [input], { epsilon: 0 }, tensors, where);
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
    const attributes = {
      kernel: 1,
      stride: 1,
      padding: 'valid',
      outputChannels: channels,
      biases: true,
    } as const;
    const output = this.add(conv, [input], attributes, { weights: kernel, biases }, where);
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

  /**
   * A layer with its tensors, by the names of its variables and state.
   * @param where in the file it stands, for messages.
   * @throws {UserError} where the shapes do not fit.
   */
  add<A extends object>(
    layer: Layer<A>,
    inputs: Value[],
    attributes: A,
    tensors: Record<string, Tensor | undefined>,
    where: string,
  ): Value {
    this.#checkInputs(layer, inputs, where);
    const placed = {
      name: nextName(layer, attributes, this.#layers),
      inputs: inputs.flatMap(({ layer: name }) => name ?? []),
      inputShapes: inputs.map(({ shape }) => shape),
      attributes,
    };
    const { summary, plan } = planLayer(layer, placed, (reason) => this.fail(where, reason));
    const { name, outputShape } = summary;
    if (sizeOf(outputShape) > maxNumbers) this.fail(where, `gives [${outputShape}], more than can be`);
    if (this.#layers.some((other) => other.name === name))
      this.fail(where, `is a second ${name}; bat-sup's networks have one`);
    for (const variable of [...(plan.variables ?? []), ...(plan.state ?? [])])
      this.#keep(`${name}/${variable.name}`, variable.shape, tensors[variable.name], where);
    this.#layers.push(summary);
    const [{ chwOf }] = inputs as [Value];
    return {
      layer: name,
      shape: outputShape,
      ...(layer.isElementwise && chwOf && { chwOf }),
      isNonNegative: layer.isNonNegative?.(attributes) ?? false,
    };
  }

  #checkInputs(layer: Layer, inputs: Value[], where: string): void {
    this.#checkCurrent(inputs, where);
    if (inputs.some(({ isSoftmax }) => isSoftmax))
      this.fail(where, 'reads a softmax; bat-sup has it at the end only');
    if (this.#layers.length >= maxLayers) this.fail(where, `is one layer more than ${maxLayers}`);
    const orders = new Set(inputs.map(({ chwOf }) => String(chwOf)));
    const isInOrder = layer.isElementwise ? orders.size === 1 : orders.has('undefined');
    if (!isInOrder || orders.size > 1)
      this.fail(where, 'reads flattened maps channel by channel, which only a fully connected layer may');
  }

  #keep(name: string, shape: number[], tensor: Tensor | undefined, where: string): void {
    const values = tensor?.values ?? this.fail(where, `has no ${name.split('/').at(-1)}`);
    if (values.length !== sizeOf(shape))
      this.fail(where, `has ${values.length} values for ${name.split('/').at(-1)} of shape [${shape}]`);
    this.#weights.set(name, { name, shape, values });
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
  finish(pictures: Value, output: Value, told: Metadata | undefined, input: InputScale = {}): Network {
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
  #toldScale({ preprocessing: { scale } }: Metadata): number {
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
    return { scale: isOwn ? ownPreprocessing.scale : scale, isAssumed: !input.isKnown && !readsPixels };
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
}
