import { finite, list, object, oneOf, optional } from '../text/json.ts';

/** How pictures are resampled; all of them widen when they shrink, so that no pixel is left out (antialiasing). */
export type Filter = 'lanczos3' | 'bicubic' | 'bilinear';

/** How a picture becomes a network's input: (pixel * scale - mean[c]) / deviation[c] of each channel c. */
export interface Preprocessing {
  /** How it is fitted to the network's size. */
  fit: 'fill' | 'cover' | 'contain';
  /** Pixels, 0..255, are multiplied by this. */
  scale: number;
  /** Order of a colour picture's channels; default 'rgb'. OpenCV uses 'bgr'. */
  order?: 'rgb' | 'bgr';
  /**
   * Subtracted from the scaled pixels: one number per channel of the network's input, so with order 'bgr' blue comes first.
   * Default: 0.
   */
  mean?: number[];
  /** Divides what is left then: one number per channel, in the order of `mean`, none of them 0. Default: 1. */
  deviation?: number[];
  /** Share of height and width, around the centre, that is used; above 0 and at most 1. Default: 1, all of it. */
  crop?: number;
  /** Resamples the picture. Default: 'lanczos3'. */
  filter?: Filter;
}

/** How the pixels of decoded pictures become a network's input. */
export type Normalisation = Pick<Preprocessing, 'scale' | 'order' | 'mean' | 'deviation'>;

/** The preprocessing of networks that bat-sup trains: 0..1, RGB. */
export const ownPreprocessing = { scale: 1 / 255, order: 'rgb' } as const;

/** The values that are given, in this order; what is left at its default is left out. */
export function normalisationOf({ scale, order = 'rgb', mean, deviation }: Normalisation): Normalisation {
  return { scale, order, ...(mean && { mean }), ...(deviation && { deviation }) };
}

/** 'times 1, minus 127 127 127, divided by 128 128 128' */
export function describeNormalisation({ scale, mean, deviation }: Normalisation): string {
  const listed = (values: number[]) => values.map((value) => Number(value.toPrecision(6))).join(' ');
  const minus = mean ? `, minus ${listed(mean)}` : '';
  const divided = deviation ? `, divided by ${listed(deviation)}` : '';
  return `times ${scale}${minus}${divided}`;
}

/** How a picture is brought to a network's size. */
export type Fitting = Pick<Preprocessing, 'fit' | 'crop' | 'filter'>;

/** The values that are given, in this order; what is left at its default is left out. */
export function fittingOf({ fit, crop = 1, filter = 'lanczos3' }: Fitting): Fitting {
  return { fit, ...(crop !== 1 && { crop }), ...(filter !== 'lanczos3' && { filter }) };
}

/** The types of the values, as they are stored; {@link wrongPreprocessing} checks the values. */
export const preprocessingShape = object({
  fit: oneOf('fill', 'cover', 'contain'),
  scale: finite,
  order: optional(oneOf('rgb', 'bgr')),
  mean: optional(list(finite)),
  deviation: optional(list(finite)),
  crop: optional(finite),
  filter: oneOf(undefined, 'lanczos3', 'bicubic', 'bilinear'),
});

/** What is wrong with the values for a network of so many channels, as a clause; undefined where nothing is. */
export function wrongPreprocessing(
  { scale, mean, deviation, crop = 1 }: Omit<Preprocessing, 'fit'>,
  channels: number,
): string | undefined {
  if (scale === 0) return 'its scale is 0';
  if (mean && mean.length !== channels) return `it has ${mean.length} means for ${channels} channels`;
  if (deviation && deviation.length !== channels)
    return `it has ${deviation.length} deviations for ${channels} channels`;
  if (deviation?.includes(0)) return 'one of its deviations is 0';
  return crop > 0 && crop <= 1 ? undefined : `its crop is ${crop}, not above 0 and at most 1`;
}

/** The same preprocessing with the channels in the other order. */
export function withChannelsReversed<P extends Normalisation>(preprocessing: P): P {
  const { order = 'rgb', mean, deviation } = preprocessing;
  return {
    ...preprocessing,
    order: order === 'rgb' ? 'bgr' : 'rgb',
    ...(mean && { mean: mean.toReversed() }),
    ...(deviation && { deviation: deviation.toReversed() }),
  };
}
