import { batchNorm } from '../layers/batch_norm/layer.ts';
import { type Normalisation, ownPreprocessing } from '../models/preprocessing.ts';
import type { NamedTensor } from '../tensors/tensors.ts';
import { type Affine, affineOf, isNearly } from './affine.ts';
import type { ImportHints } from './format.ts';
import type { Metadata } from './metadata.ts';
import type { LayerTarget, Value } from './value.ts';

/** What a file says about the input of its network. */
export interface InputScale {
  /** The input is pixels, 0..255, times this, unless the network's own arithmetic shows otherwise; undefined: 0..1. */
  scale?: number | undefined;
  /** Whether the file states the scale, so that it need not be assumed. */
  isKnown?: boolean;
  /** How pixels are usually prepared for such a network, where the user gives none of it. */
  usual?: Hints | undefined;
  /** The order of its colours, where the format has such a custom; default: RGB. */
  order?: 'rgb' | 'bgr';
}

type Hints = Pick<ImportHints, 'scale' | 'mean' | 'deviation'>;
type Scaled = Omit<Normalisation, 'order'> & { isAssumed: boolean };

/** Whether the user gave any of how pixels are scaled and shifted. */
export const saysHow = ({ scale, mean, deviation }: Hints) =>
  [scale, mean, deviation].some((value) => value !== undefined);

const isAll = (values: number[], value: number) => values.every((one) => one === value);

/**
 * How an imported network scales and shifts its pixels, which becomes the scale, mean and deviation of the preprocessing.
 */
export class PixelScaling {
  readonly #target: LayerTarget;
  readonly #weights: Map<string, NamedTensor>;
  /** What the network does to its input, for each channel; undefined: nothing. */
  #ofPixels: Affine | undefined;
  #isReversed = false;
  /** Batch normalisations that scale and shift the output of another layer. */
  readonly #affineLayers = new Set<string>();
  /** Values that have been changed since: another layer that reads them would get the changed ones. */
  readonly #superseded = new WeakSet<Value>();
  /** Layers that others have read, and undefined where the pictures have been: they must stay as they are. */
  readonly #read = new Set<string | undefined>();

  /** @param weights of the target's layers, by name; factors and offsets are changed in place. */
  constructor(target: LayerTarget, weights: Map<string, NamedTensor>) {
    this.#target = target;
    this.#weights = weights;
  }

  /** Multiplies by one factor; NaN: the file does not state it. */
  rescale(input: Value, factor: number, where: string): Value {
    if (Number.isNaN(factor)) this.#target.fail(where, 'multiplies by a number that the file does not state');
    return this.normalise(input, { factors: [factor], offsets: [0] }, where);
  }

  /**
   * Multiplies by factors and adds offsets. Applied to the pictures, that becomes part of the preprocessing. Applied to the
   * output of a layer, it becomes a batch normalisation with mean 0 and variance 1.
   */
  normalise(input: Value, { factors, offsets }: Affine, where: string): Value {
    const isShift = offsets.some((offset) => offset !== 0);
    if (!isShift && factors.every((factor) => factor === 1)) return input;
    this.checkCurrent([input], where);
    const scales = this.#perChannel(factors, input, where);
    const shifts = this.#perChannel(offsets, input, where);
    const isFolded = input.layer !== undefined && this.#foldInto(input.layer, scales, shifts);
    if (input.layer !== undefined && !isFolded) return this.#addAffine(input, scales, shifts, where);
    if (!isFolded && scales.includes(0)) this.#target.fail(where, 'multiplies the pixels by 0');
    if (!isFolded && this.#read.has(undefined))
      this.#target.fail(where, 'scales or shifts the pictures, which another node reads as they are');
    this.#superseded.add(input);
    if (!isFolded) this.#scalePixels(scales, shifts);
    return { ...input };
  }

  /** The pixels with their channels in the other order. */
  reverse(input: Value, where: string): Value {
    if (input.layer !== undefined)
      this.#target.fail(
        where,
        'reverses the channels of a layer; bat-sup can only reverse those of the pictures',
      );
    if (this.#read.has(undefined))
      this.#target.fail(where, 'reverses the channels of the pictures, which another node reads as they are');
    this.checkCurrent([input], where);
    this.#superseded.add(input);
    this.#isReversed = !this.#isReversed;
    const { factors, offsets } = this.#ofPixels ?? {};
    if (factors && offsets) this.#ofPixels = { factors: factors.toReversed(), offsets: offsets.toReversed() };
    return { ...input };
  }

  /** Whether the layers read the channels in the other order than that of the file's input. */
  get isReversed(): boolean {
    return this.#isReversed;
  }

  #scalePixels(scales: number[], shifts: number[]): void {
    const { factors, offsets } = this.#ofPixels ?? {
      factors: scales.map(() => 1),
      offsets: scales.map(() => 0),
    };
    this.#ofPixels = {
      factors: factors.map((factor, channel) => factor * (scales[channel] as number)),
      offsets: offsets.map(
        (offset, channel) => offset * (scales[channel] as number) + (shifts[channel] as number),
      ),
    };
  }

  /** Refuses to read a value that has been changed since. */
  checkCurrent(inputs: Value[], where: string): void {
    if (inputs.some((input) => this.#superseded.has(input)))
      this.#target.fail(where, 'reads the same values as another node that scales or shifts them');
  }

  /** Notes that a layer reads these values. */
  setRead(inputs: Value[]): void {
    for (const { layer } of inputs) this.#read.add(layer);
  }

  /**
   * Scale, mean and deviation of the finished network's preprocessing.
   * @param metadata bat-sup's own, where the file has them.
   * @param hints what the user gave.
   * @param channels of the pictures.
   */
  normalisationOf(metadata: Metadata | undefined, input: InputScale, hints: Hints, channels: number): Scaled {
    const { scale: factor, mean, deviation } = saysHow(hints) ? hints : (input.usual ?? hints);
    const given = {
      scale: factor,
      mean: this.#given('mean', mean, channels),
      deviation: this.#given('deviation', deviation, channels),
    };
    if (metadata) return this.#ownNormalisation(metadata, given);
    const { scale, isAssumed } = this.#foreignScale(input);
    const isGiven = given.scale !== undefined;
    return {
      ...this.#composed({ ...given, scale: given.scale ?? scale }, channels),
      isAssumed: isAssumed && !isGiven,
    };
  }

  /** What the user gave: one value for each channel of the input, or one for all; in the order that the layers read. */
  #given(name: string, values: number[] | undefined, channels: number): number[] | undefined {
    if (values && ![1, channels].includes(values.length))
      this.#target.fail(
        'its input',
        `has ${channels} channels, but the ${name} given has ${values.length} values`,
      );
    const all = values?.length === 1 ? Array<number>(channels).fill(values[0] as number) : values;
    return this.#isReversed ? all?.toReversed() : all;
  }

  #perChannel(values: number[], input: Value, where: string): number[] {
    const channels = input.shape.at(-1) as number;
    if (![1, channels].includes(values.length))
      this.#target.fail(where, `has ${values.length} values for ${channels} channels`);
    if (!values.every(Number.isFinite)) this.#target.fail(where, `scales or shifts the pixels by ${values}`);
    return values.length === channels ? values : Array<number>(channels).fill(values[0] as number);
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

  /** Multiplies further factors and offsets into a layer that `normalise` added, before another reads it. @returns whether it could. */
  #foldInto(layer: string, scales: number[], shifts: number[]): boolean {
    if (!this.#affineLayers.has(layer) || this.#read.has(layer)) return false;
    const [factors, offsets] = [this.#valuesOf(layer, 'scale'), this.#valuesOf(layer, 'offset')];
    for (const [channel, scale] of scales.entries()) {
      factors[channel] = (factors[channel] as number) * scale;
      offsets[channel] = (offsets[channel] as number) * scale + (shifts[channel] as number);
    }
    return true;
  }

  #valuesOf(layer: string, variable: string): Float32Array {
    return (this.#weights.get(`${layer}/${variable}`) as NamedTensor).values;
  }

  /** The metadata's values, which are exact where the file rounded them to float32. */
  #ownNormalisation({ preprocessing, channels }: Metadata, { scale, mean, deviation }: Hints): Scaled {
    const { scale: own, mean: ownMean, deviation: ownDeviation } = preprocessing;
    const stored = {
      scale: own,
      ...(ownMean && { mean: ownMean }),
      ...(ownDeviation && { deviation: ownDeviation }),
    };
    const isStored = this.#ofPixels === undefined || isNearly(affineOf(stored), this.#ofPixels);
    const found = isStored ? stored : this.#composed({ scale: 1 }, channels);
    const given = {
      ...(scale !== undefined && { scale }),
      ...(mean && { mean }),
      ...(deviation && { deviation }),
    };
    return { ...found, ...given, isAssumed: false };
  }

  /** The scale of the input of another program's network. */
  #foreignScale(input: InputScale): { scale: number; isAssumed: boolean } {
    const readsPixels = this.#readsPixels();
    const scale = input.scale ?? (readsPixels ? 1 : ownPreprocessing.scale);
    return { scale, isAssumed: !input.isKnown && !readsPixels };
  }

  /**
   * What becomes of pixels that are prepared outside of the network, and then scaled and shifted by it. One factor for all
   * channels becomes part of the scale.
   */
  #composed(
    { scale, mean, deviation }: Hints & { scale: number },
    channels: number,
  ): Omit<Scaled, 'isAssumed'> {
    const zeros = Array<number>(channels).fill(0);
    const { factors, offsets } = this.#ofPixels ?? { factors: zeros.map(() => 1), offsets: zeros };
    const before = { mean: mean ?? zeros, deviation: deviation ?? zeros.map(() => 1) };
    const deviations = before.deviation.map((one, channel) => one / (factors[channel] as number));
    const means = before.mean.map(
      (one, channel) => one - (offsets[channel] as number) * (deviations[channel] as number),
    );
    const [first] = factors as [number];
    if (isAll(means, 0) && isAll(before.deviation, 1) && isAll(factors, first))
      return { scale: snapped(scale * first) };
    return {
      scale: snapped(scale),
      ...(!isAll(means, 0) && { mean: means }),
      ...(!isAll(deviations, 1) && { deviation: deviations }),
    };
  }

  /** Whether the network's own scaling suits pixels of 0..255 rather than 0..1: the result is near to 0..1. */
  #readsPixels(): boolean {
    const { factors, offsets } = this.#ofPixels ?? { factors: [1], offsets: [0] };
    const [factor, offset] = [factors[0] as number, offsets[0] as number];
    return Math.abs(factor) < 1 / 16 || Math.abs(offset / factor) > 1.5;
  }
}

/** The scale of 0..1 exactly, where a file rounded it to float32. */
function snapped(scale: number): number {
  return Math.fround(scale) === Math.fround(ownPreprocessing.scale) ? ownPreprocessing.scale : scale;
}
