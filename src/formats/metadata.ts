import { UserError } from '../errors.ts';
import type { LayerSummary } from '../layers/index.ts';
import { describeNormalisation, preprocessingShape, wrongPreprocessing } from '../models/preprocessing.ts';
import { finite, list, object, oneOf, optional, string, whole } from '../text/json.ts';
import { type Affine, affineOf, pairsOf } from './affine.ts';
import type { Network } from './format.ts';

/** The key of bat-sup's entry in a format's own metadata. */
export const metadataKey = 'bat-sup';

/** bat-sup's entry in the metadata of an exported file: all that is needed to use the network and to import it again. */
export interface Metadata {
  format: 'bat-sup network';
  version: 1;
  /** In the order of the logits. */
  classes: string[];
  /** Pixels. */
  width: number;
  height: number;
  channels: 1 | 3;
  /**
   * How pictures become the input of the layers: (pixel * scale - mean) / deviation, pixels of 0..255, channels in this
   * order; without a mean it is 0, without a deviation 1.
   */
  preprocessing: Network['preprocessing'];
  /** The input of this file, which may do part of the preprocessing itself. */
  input: Input;
  /** softmax(logits / temperature) are the calibrated probabilities, unless the classes do not exclude each other. */
  temperature: number;
  /** Whether a picture can show several classes, or none: the probabilities are sigmoids of the logits. */
  isMultiLabel?: true;
  /** Then: the probability from which each class is answered, [classes]. */
  thresholds?: number[];
  /** For formats that hold weights alone. */
  layers?: LayerSummary[];
}

/** How a picture becomes the input of an exported file. */
export interface Input {
  /** The fields below in words, e.g. 'RGB pixels, 0..255, scaled inside; 100 x 100, fit fill, lanczos3'. */
  description: string;
  /** Whether the file scales pixels itself, and subtracts the mean and divides by the deviation where there are any. */
  scaledInside: boolean;
  /** Lowest and highest possible value. */
  range: [number, number];
  order: 'RGB' | 'BGR' | 'grey';
  /** How pictures are resized in training and prediction. */
  resize: {
    fit: Network['preprocessing']['fit'];
    filter: string;
    background: string;
    /** Share of height and width, around the centre, that is used; absent: all of it. */
    crop?: number;
  };
}

/** The properties of a file's input that depend on the format and the export's options. */
export interface InputOptions {
  scaledInside: boolean;
  /** Order of a colour picture's channels; default RGB. */
  order?: 'RGB' | 'BGR';
}

/** Lowest and highest value of any channel. */
function rangeOf(affine: Affine): [number, number] {
  const ends = pairsOf(affine).flatMap(({ factor, offset }) => [offset, 255 * factor + offset]);
  return [Math.min(...ends), Math.max(...ends)];
}

function valuesOf({ preprocessing }: Network, scaledInside: boolean): string {
  if (!scaledInside) return `0..255, ${describeNormalisation(preprocessing)}`;
  const { mean, deviation } = preprocessing;
  return `0..255, ${mean || deviation ? 'normalised' : 'scaled'} inside`;
}

function inputOf(network: Network, { scaledInside, order = 'RGB' }: InputOptions): Input {
  const { width, height, channels } = network.model;
  const { fit, crop, filter = 'lanczos3' } = network.preprocessing;
  const colours = channels === 3 ? order : 'grey';
  const cropped = crop === undefined ? '' : `, crop ${crop}`;
  return {
    description: `${colours} pixels, ${valuesOf(network, scaledInside)}; ${width} x ${height}, fit ${fit}${cropped}, ${filter}`,
    scaledInside,
    range: scaledInside ? [0, 255] : rangeOf(affineOf(network.preprocessing)),
    order: colours,
    resize: { fit, filter, background: 'white', ...(crop !== undefined && { crop }) },
  };
}

/** The metadata of an exported network. */
export function metadataOf(network: Network, options: InputOptions): Metadata {
  const { model, preprocessing, temperature, thresholds } = network;
  const { classes, width, height, channels, isMultiLabel } = model;
  return {
    format: 'bat-sup network',
    version: 1,
    classes,
    width,
    height,
    channels,
    preprocessing,
    input: inputOf(network, options),
    temperature,
    ...(isMultiLabel && { isMultiLabel }),
    ...(thresholds && { thresholds }),
  };
}

const shape = object({
  format: oneOf('bat-sup network'),
  version: oneOf(1),
  classes: list(string),
  width: whole(1),
  height: whole(1),
  channels: oneOf(1, 3),
  preprocessing: preprocessingShape,
  temperature: finite,
  isMultiLabel: optional(oneOf(true)),
  thresholds: optional(list(finite)),
});

function isMetadata(value: Metadata): boolean {
  return (
    shape(value) === undefined &&
    new Set(value.classes).size === value.classes.length &&
    wrongPreprocessing(value.preprocessing, value.channels) === undefined &&
    value.temperature > 0 &&
    (!value.thresholds || (value.isMultiLabel === true && value.thresholds.length === value.classes.length))
  );
}

/**
 * Checks bat-sup's entry in a file's metadata.
 * @param text JSON, or the object parsed from it; undefined or null where the file has no such entry.
 * @throws {UserError} where it is damaged.
 */
export function readMetadata(text: unknown, source: string): Metadata | undefined {
  if (text === undefined || text === null) return undefined;
  try {
    const value = typeof text === 'string' ? JSON.parse(text) : text;
    if (isMetadata(value)) return value;
  } catch {
    // Reported below.
  }
  throw new UserError(`${source} is damaged: its bat-sup metadata cannot be read; export it again.`);
}
