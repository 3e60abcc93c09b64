import { batchNorm } from '../layers/batch_norm/layer.ts';
import { conv } from '../layers/conv/layer.ts';
import { ownPreprocessing } from '../models/preprocessing.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import type { Metadata } from './metadata.ts';
import type { LayerTarget, Value } from './value.ts';

/** What a file says about the input of its network. */
export interface InputScale {
  /** The input is pixels, 0..255, times this, unless the network's own arithmetic shows otherwise; undefined: 0..1. */
  scale?: number | undefined;
  /** Whether the file states the scale, so that it need not be assumed. */
  isKnown?: boolean;
}

/** x * factors + offsets, each one number for all channels or one for each channel. */
export interface Affine {
  factors: number[];
  offsets: number[];
}

/**
 * How an imported network scales and shifts its pixels. One factor for all channels becomes the scale of the
 * preprocessing; everything else becomes layers.
 */
export class PixelScaling {
  readonly #target: LayerTarget;
  readonly #weights: Map<string, NamedTensor>;
  /** What the network multiplies its input by; undefined: it does not. */
  #factor: number | undefined;
  /** The convolution of 1 x 1 that shifts the pixels, or scales each channel by its own factor. */
  #normalisation: string | undefined;
  /** Batch normalisations that scale and shift the output of another layer. */
  readonly #affineLayers = new Set<string>();
  /** Values that have been scaled or shifted since: another layer that reads them would get the scaled ones. */
  readonly #superseded = new WeakSet<Value>();

  /** @param weights of the target's layers, by name; factors and offsets are changed in place. */
  constructor(target: LayerTarget, weights: Map<string, NamedTensor>) {
    this.#target = target;
    this.#weights = weights;
  }

  /** Multiplies the pixels by a factor, before the first layer. */
  rescale(input: Value, factor: number, where: string): Value {
    if (input.layer !== undefined)
      this.#target.fail(where, 'multiplies the output of a layer; bat-sup can only scale the pixels');
    return this.normalise(input, { factors: [factor], offsets: [0] }, where);
  }

  /**
   * Multiplies by factors and adds offsets. Applied to the pictures, a single factor becomes the scale of the
   * preprocessing, and anything else a convolution of 1 x 1, which is exact at the edges as well. Applied to the output
   * of a layer, it becomes a batch normalisation with mean 0 and variance 1.
   */
  normalise(input: Value, { factors, offsets }: Affine, where: string): Value {
    const isShift = offsets.some((offset) => offset !== 0);
    if (!isShift && factors.every((factor) => factor === 1)) return input;
    this.checkCurrent([input], where);
    const scales = this.#perChannel(factors, input, where);
    const shifts = this.#perChannel(offsets, input, where);
    if (scales.includes(0)) this.#target.fail(where, 'multiplies by 0');
    const isFolded = input.layer !== undefined && this.#foldInto(input.layer, scales, shifts);
    if (input.layer !== undefined && !isFolded) return this.#addAffine(input, scales, shifts, where);
    this.#superseded.add(input);
    if (!isFolded && (isShift || scales.some((scale) => scale !== scales[0])))
      return this.#addNormalisation({ ...input }, scales, shifts, where);
    if (!isFolded) this.#factor = (this.#factor ?? 1) * (scales[0] as number);
    return { ...input };
  }

  /** Refuses to read a value that has been scaled or shifted since. */
  checkCurrent(inputs: Value[], where: string): void {
    if (inputs.some((input) => this.#superseded.has(input)))
      this.#target.fail(where, 'reads the same values as another node that scales or shifts them');
  }

  /**
   * The scale of the finished network's preprocessing.
   * @param metadata bat-sup's own, where the file has them.
   * @param hint the scale that the user gave.
   */
  scaleOf(
    metadata: Metadata | undefined,
    input: InputScale,
    hint: number | undefined,
  ): { scale: number; isAssumed: boolean } {
    if (metadata) return { scale: hint ?? this.#exactScale(metadata), isAssumed: false };
    const { scale, isAssumed } = this.#foreignScale(input, hint);
    return { scale, isAssumed: isAssumed && hint === undefined };
  }

  #perChannel(values: number[], input: Value, where: string): number[] {
    const channels = input.shape.at(-1) as number;
    if (![1, channels].includes(values.length))
      this.#target.fail(where, `has ${values.length} values for ${channels} channels`);
    if (!values.every(Number.isFinite)) this.#target.fail(where, `scales or shifts the pixels by ${values}`);
    return values.length === channels ? values : Array(channels).fill(values[0]);
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
    const output = this.#target.add(batchNorm, [input], { epsilon: 0 }, tensors, where);
    this.#affineLayers.add(output.layer as string);
    return output;
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
    const output = this.#target.add(conv, [input], attributes, { weights: kernel, biases }, where);
    this.#normalisation = output.layer;
    return output;
  }

  /** Multiplies further factors and offsets into a layer that `normalise` added before; false for any other layer. */
  #foldInto(layer: string, scales: number[], shifts: number[]): boolean {
    const isNormalisation = layer === this.#normalisation;
    if (!isNormalisation && !this.#affineLayers.has(layer)) return false;
    const factors = this.#valuesOf(layer, isNormalisation ? 'weights' : 'scale');
    const offsets = this.#valuesOf(layer, isNormalisation ? 'biases' : 'offset');
    for (const [channel, scale] of scales.entries()) {
      const index = isNormalisation ? channel * (scales.length + 1) : channel; // the kernel's diagonal
      factors[index] = (factors[index] as number) * scale;
      offsets[channel] = (offsets[channel] as number) * scale + (shifts[channel] as number);
    }
    return true;
  }

  #valuesOf(layer: string, variable: string): Float32Array {
    return (this.#weights.get(`${layer}/${variable}`) as NamedTensor).values;
  }

  /** The metadata's scale, which is exact where the file rounded it to a float32. */
  #exactScale({ preprocessing: { scale } }: Metadata): number {
    const isRounded = this.#factor === undefined || Math.fround(this.#factor) === Math.fround(scale);
    return isRounded ? scale : (this.#factor as number);
  }

  /** The scale of another program's network: its input's scale times the factor that the network applies. */
  #foreignScale(input: InputScale, hint: number | undefined): { scale: number; isAssumed: boolean } {
    this.#extractFactor();
    const readsPixels = this.#readsPixels();
    const usual = input.scale ?? (readsPixels ? 1 : ownPreprocessing.scale);
    const scale = (hint ?? usual) * (this.#factor ?? 1);
    const isOwn = Math.fround(scale) === Math.fround(ownPreprocessing.scale);
    return { scale: isOwn ? ownPreprocessing.scale : scale, isAssumed: !input.isKnown && !readsPixels };
  }

  /** Makes the normalisation's first factor 1, so that further training starts from weights of the usual size. */
  #extractFactor(): void {
    if (this.#normalisation === undefined) return;
    const kernel = this.#valuesOf(this.#normalisation, 'weights');
    const first = kernel[0] as number;
    this.#factor = (this.#factor ?? 1) * first;
    for (const [index, value] of kernel.entries()) kernel[index] = value / first;
  }

  /** Whether the network's own scaling suits pixels of 0..255 rather than 0..1: the result is near to 0..1. */
  #readsPixels(): boolean {
    const factor = this.#factor ?? 1;
    const [offset = 0] = this.#normalisation ? this.#valuesOf(this.#normalisation, 'biases') : [];
    return Math.abs(factor) < 1 / 16 || Math.abs(offset / factor) > 1.5;
  }
}
